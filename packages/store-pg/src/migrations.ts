import { fileURLToPath } from 'node:url'
import { readMigrationFiles } from 'drizzle-orm/migrator'
import type { Connection, ConnectionPool } from './connection.ts'
import { SchemaMissingError, SchemaNewerError, SchemaOutdatedError } from './errors.ts'
import { defaultSchema } from './schema.ts'

export interface MigrationReport {
  /** The version that the schema had before; 0 for none. */
  readonly from: number
  /** The version that it has now. */
  readonly to: number
}

interface Migration {
  readonly version: number
  readonly hash: string
  readonly statements: readonly string[]
}

/** The migrations of this version of the code, for the schema of this name. */
function migrationsFor(schema: string): Migration[] {
  // The same place, seen from src/ and from the bundle in dist/.
  const migrationsFolder = fileURLToPath(new URL('../drizzle', import.meta.url))
  return readMigrationFiles({ migrationsFolder }).map(({ sql, hash }, index) => ({
    version: index + 1,
    hash,
    statements: sql.map((statement) => statement.replaceAll(`"${defaultSchema}"`, `"${schema}"`)),
  }))
}

/**
 * Brings the schema to this code's version, in one transaction. Safe to call from any number of
 * processes at once: they go one after the other, also behind a transaction-mode pooler.
 * @throws SchemaNewerError when the database is ahead of the code
 */
export async function migrateSchema(
  pool: ConnectionPool,
  schema: string,
): Promise<MigrationReport> {
  const migrations = migrationsFor(schema)
  return pool.transaction(async (connection) => {
    await connection.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [
      `tasking migration of ${schema}`,
    ])
    const from = await versionOf(connection, schema)
    const to = migrations.length
    if (from > to) throw new SchemaNewerError(connection.address, from, to)
    for (const { version, hash, statements } of migrations.slice(from)) {
      for (const statement of statements) await connection.query(statement)
      if (version === 1) await connection.query(ledger(schema))
      await connection.query(`insert into "${schema}".migration (version, hash) values ($1, $2)`, [
        version,
        hash,
      ])
    }
    return { from, to }
  })
}

/** @throws SchemaMissingError, SchemaOutdatedError, SchemaNewerError unless the versions agree */
export async function checkSchema(connection: Connection, schema: string): Promise<void> {
  const found = await versionOf(connection, schema)
  const wanted = migrationsFor(schema).length
  if (found === 0) throw new SchemaMissingError(connection.address, schema)
  if (found < wanted) throw new SchemaOutdatedError(connection.address, found, wanted)
  if (found > wanted) throw new SchemaNewerError(connection.address, found, wanted)
}

async function versionOf(connection: Connection, schema: string): Promise<number> {
  // Asked first, since a failing statement would end the transaction.
  const [there] = await connection.query('select to_regclass($1) is not null', [
    `"${schema}".migration`,
  ])
  if (there?.[0] !== true) return 0
  const [row] = await connection.query(
    `select coalesce(max(version), 0)::int from "${schema}".migration`,
  )
  return Number(row?.[0])
}

function ledger(schema: string): string {
  return `create table "${schema}".migration (
    version integer primary key,
    hash text not null,
    applied_at timestamptz not null default now()
  )`
}
