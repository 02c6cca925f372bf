import { InvalidOptionError } from '@tasking/core'
import { onSite } from './administration.ts'
import type { DatabaseOptions, Site } from './administration.ts'
import { checkSchemaName } from './arguments.ts'
import { checkIsolation, isPooled } from './driver-check.ts'
import { SchemaNewerError, translated } from './errors.ts'
import { instrumented } from './instrument.ts'
import { oldestClientOf, readLedger, versionOf } from './ledger.ts'
import { releasedMigrations } from './migration-files.ts'
import type { Migration } from './migration-files.ts'
import { checkSchema, migrateSchema } from './migrations.ts'
import type { MigrationReport, SchemaVersion } from './migrations.ts'
import { defaultSchema } from './schema.ts'
import { upgradeScript } from './upgrade.ts'

export type MigrateOptions = DatabaseOptions

/** What a script starts from: a version, or that of a schema in a database. */
export type MigrationSqlOptions =
  | {
      /** The version that the schema has; 0 for none. */
      readonly from: number
      /** The PostgreSQL schema of the tables. Default `tasking`. */
      readonly schema?: string
    }
  | MigrateOptions

/** The SQL that `migrate` would run, to be run by somebody else. */
export interface MigrationSql {
  readonly from: number
  readonly to: number
  /** One transaction, which fails when the schema isn't at version `from` by then. */
  readonly sql: string
}

/**
 * Brings the schema to this code's version. Any number of processes may call it at once.
 * @throws SchemaNewerError, StoreUnavailableError
 */
export async function migrate(options: MigrateOptions): Promise<MigrationReport> {
  return visit(options, (site) => migrateOn(site))
}

/** Under load its locks may form a cycle with those of running verbs: then it begins anew. */
export async function migrateOn(
  { pool, schema, clock }: Site,
  migrations?: readonly Migration[],
): Promise<MigrationReport> {
  await checkIsolation(pool)
  const instrument = { clock, schema, address: pool.address, onVerb: undefined }
  const run = () => migrateSchema(pool, schema, migrations)
  return instrumented(instrument, 'migrate', run, 'conflict')
}

/**
 * Whether this code may work with the schema as it is. Changes nothing.
 * @throws SchemaMissingError, SchemaOutdatedError, SchemaNewerError, StoreUnavailableError
 */
export async function checkMigrations(options: MigrateOptions): Promise<SchemaVersion> {
  return visit(options, ({ pool, schema }) => checkSchema(pool, schema))
}

/**
 * The SQL that brings the schema to this code's version, to be read and run by somebody else.
 * Changes nothing, and needs no database where it is told the version.
 * @throws InvalidOptionError, SchemaNewerError, StoreUnavailableError
 */
export async function migrationSql(options: MigrationSqlOptions): Promise<MigrationSql> {
  const migrations = releasedMigrations()
  const to = migrations.length
  const from = 'from' in options ? options.from : await versionIn(options, to)
  const { schema = defaultSchema } = options
  checkSchemaName(schema)
  if (!Number.isInteger(from) || from < 0 || from > to) {
    throw new InvalidOptionError('from', from, `a version from 0 to ${to}`)
  }
  return { from, to, sql: upgradeScript(migrations, schema, from) }
}

function versionIn(options: MigrateOptions, newest: number): Promise<number> {
  return visit(options, async ({ pool, schema }) => {
    const ledger = await readLedger(pool, schema)
    const version = versionOf(ledger)
    if (version <= newest) return version
    throw new SchemaNewerError(pool.address, version, newest, oldestClientOf(ledger))
  })
}

function visit<T>(options: MigrateOptions, run: (site: Site) => Promise<T>): Promise<T> {
  return onSite(options, async (site) => {
    const { pool, schema, clock } = site
    try {
      await isPooled(pool, clock)
      return await run(site)
    } catch (error) {
      throw translated(error, { address: pool.address, schema })
    }
  })
}
