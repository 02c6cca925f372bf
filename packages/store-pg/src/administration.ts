import postgres from 'postgres'
import { systemClock } from '@tasking/core'
import type { Clock } from '@tasking/core'
import { checkSchemaName, checkUrl } from './arguments.ts'
import type { ConnectionPool } from './connection.ts'
import { nodePostgresPool } from './node-postgres.ts'
import type { NodePostgresPool } from './node-postgres.ts'
import { postgresJsPool } from './postgres-js.ts'
import type { PostgresJsClient } from './postgres-js.ts'
import { defaultSchema } from './schema.ts'

/** Which schema of which database. */
export type DatabaseOptions = {
  /** The PostgreSQL schema of the tables. Default `tasking`. */
  readonly schema?: string
} & (
  | {
      /** A connection string, for a connection of its own that is closed in the end. */
      readonly url: string
    }
  | {
      /** The caller's own postgres.js client. */
      readonly client: PostgresJsClient
    }
  | {
      /** The caller's own node-postgres pool. */
      readonly pool: NodePostgresPool
    }
)

/** What an administrative job works on. */
export interface Site {
  readonly pool: ConnectionPool
  readonly schema: string
  readonly clock: Clock
}

/**
 * Hands out a site for one job, and closes what it has opened.
 * @throws InvalidOptionError
 */
export async function onSite<T>(
  options: DatabaseOptions,
  run: (site: Site) => Promise<T>,
): Promise<T> {
  const { schema = defaultSchema } = options
  checkSchemaName(schema)
  const pool = poolOf(options)
  try {
    return await run({ pool, schema, clock: systemClock })
  } finally {
    await pool.close()
  }
}

function poolOf(options: DatabaseOptions): ConnectionPool {
  if ('client' in options) return postgresJsPool(options.client, false)
  if ('pool' in options) return nodePostgresPool(options.pool, false)
  checkUrl(options.url)
  const client = postgres(options.url, {
    max: 1,
    prepare: false,
    fetch_types: false,
    connect_timeout: 10,
    onnotice: () => undefined,
    connection: { application_name: 'tasking' },
  })
  return postgresJsPool(client, true)
}
