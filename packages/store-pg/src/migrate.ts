import postgres from 'postgres'
import { systemClock } from '@tasking/core'
import { checkSchemaName, checkUrl } from './arguments.ts'
import { checkIsolation, isPooled } from './driver-check.ts'
import { translated } from './errors.ts'
import { migrateSchema } from './migrations.ts'
import type { MigrationReport } from './migrations.ts'
import { postgresJsPool } from './postgres-js.ts'
import { defaultSchema } from './schema.ts'

export interface MigrateOptions {
  readonly url: string
  /** The PostgreSQL schema of the tables. Default `tasking`. */
  readonly schema?: string
}

/**
 * Brings the schema to this code's version. Any number of processes may call it at once.
 * @throws SchemaNewerError, StoreUnavailableError
 */
export async function migrate({
  url,
  schema = defaultSchema,
}: MigrateOptions): Promise<MigrationReport> {
  checkUrl(url)
  checkSchemaName(schema)
  const client = postgres(url, {
    max: 1,
    prepare: false,
    fetch_types: false,
    connect_timeout: 10,
    onnotice: () => undefined,
  })
  const pool = postgresJsPool(client, true)
  try {
    await isPooled(pool, systemClock)
    await checkIsolation(pool)
    return await migrateSchema(pool, schema)
  } catch (error) {
    throw translated(error, { address: pool.address, schema })
  } finally {
    await pool.close()
  }
}
