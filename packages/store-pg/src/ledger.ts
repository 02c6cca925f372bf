import type { Connection } from './connection.ts'
import type { Migration } from './migration-files.ts'

/** What the database says of a migration that was applied to it. */
export interface LedgerEntry {
  readonly version: number
  readonly hash: string
  readonly oldestClient: number
}

/** The ledger, in the order of versions; empty where there is none. */
export async function readLedger(connection: Connection, schema: string): Promise<LedgerEntry[]> {
  // Asked first, since a failing statement would end the transaction.
  const [there] = await connection.query(`select ${hasLedger(schema)}`)
  if (there?.[0] !== true) return []
  const rows = await connection.query(
    `select version, hash, oldest_client from "${schema}".migration order by version`,
  )
  return rows.map(([version, hash, oldestClient]) => ({
    ...{ version: Number(version), hash: String(hash), oldestClient: Number(oldestClient) },
  }))
}

/**
 * Whether there is a ledger, as an expression. It reads the catalog's tables: by the name alone, a
 * session that has waited for the lock would still remember that there was none.
 */
export function hasLedger(schema: string): string {
  return `exists (select from pg_tables where schemaname = '${schema}' and tablename = 'migration')`
}

export function ledgerTable(schema: string): string {
  return `create table "${schema}".migration (
  version integer primary key,
  hash text not null,
  oldest_client integer not null,
  applied_at timestamptz not null default now()
)`
}

export function ledgerRow(schema: string, { version, hash, oldestClient }: Migration): string {
  return `insert into "${schema}".migration (version, hash, oldest_client)
values (${version}, '${hash}', ${oldestClient})`
}

/** The version that a schema has; 0 without one. */
export function versionOf(ledger: readonly LedgerEntry[]): number {
  return ledger.at(-1)?.version ?? 0
}

/** The oldest client that every one of these allows. */
export function oldestClientOf(ledger: readonly Pick<LedgerEntry, 'oldestClient'>[]): number {
  return ledger.reduce((oldest, { oldestClient }) => Math.max(oldest, oldestClient), 0)
}
