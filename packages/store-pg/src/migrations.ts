import type { Connection, ConnectionPool } from './connection.ts'
import { SchemaMissingError, SchemaNewerError, SchemaOutdatedError } from './errors.ts'
import { oldestClientOf, readLedger, versionOf } from './ledger.ts'
import { releasedMigrations } from './migration-files.ts'
import type { Migration } from './migration-files.ts'
import { migrationLock, upgradeSteps } from './upgrade.ts'

export interface MigrationReport {
  /** The version that the schema had before; 0 for none. */
  readonly from: number
  /** The version that it has now. */
  readonly to: number
  /** The oldest version of clients that may work with it now. */
  readonly oldestClient: number
}

export interface SchemaVersion {
  /** The version of the schema in the database. */
  readonly version: number
  /** The version that this code brings a schema to. */
  readonly client: number
  /** The oldest version of clients that may work with it; never more than `client`. */
  readonly oldestClient: number
}

/**
 * Brings the schema to this code's version, in one transaction. Safe to call from any number of
 * processes at once: they go one after the other, also behind a transaction-mode pooler.
 * @throws SchemaNewerError when the database is ahead of the code
 */
export async function migrateSchema(
  pool: ConnectionPool,
  schema: string,
  migrations: readonly Migration[] = releasedMigrations(),
): Promise<MigrationReport> {
  return pool.transaction(async (connection) => {
    await connection.query(`select ${migrationLock(schema)}`)
    const ledger = await readLedger(connection, schema)
    const from = versionOf(ledger)
    const to = migrations.length
    if (from > to) throw new SchemaNewerError(connection.address, from, to, oldestClientOf(ledger))
    const statements = upgradeSteps(migrations, schema, from).flatMap((step) => step.statements)
    for (const statement of statements) await connection.query(statement)
    return { from, to, oldestClient: oldestClientOf([...ledger, ...migrations.slice(from)]) }
  })
}

/**
 * Whether this code may work with the schema as it is. It may with a newer one if each migration
 * that the code doesn't know allows clients of its version.
 * @throws SchemaMissingError, SchemaOutdatedError, SchemaNewerError
 */
export async function checkSchema(
  connection: Connection,
  schema: string,
  migrations: readonly Migration[] = releasedMigrations(),
): Promise<SchemaVersion> {
  const ledger = await readLedger(connection, schema)
  const version = versionOf(ledger)
  const client = migrations.length
  const oldestClient = oldestClientOf(ledger)
  if (version === 0) throw new SchemaMissingError(connection.address, schema)
  if (version < client) throw new SchemaOutdatedError(connection.address, version, client)
  if (oldestClient > client) {
    throw new SchemaNewerError(connection.address, version, client, oldestClient)
  }
  return { version, client, oldestClient }
}
