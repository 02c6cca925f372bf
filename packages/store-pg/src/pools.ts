import postgres from 'postgres'
import type { Clock } from '@tasking/core'
import type { ConnectionPool } from './connection.ts'
import { isPooled } from './driver-check.ts'
import { translated } from './errors.ts'
import { nodePostgresPool } from './node-postgres.ts'
import type { PgStoreOptions } from './options.ts'
import { postgresJsPool } from './postgres-js.ts'

// Two for turns, one for the heartbeat that must not wait for them.
const controlConnections = 3

/** The store's pool: one of its own, or on the caller's client or pool. */
export async function poolOf(
  options: PgStoreOptions,
  schema: string,
  clock: Clock,
): Promise<ConnectionPool> {
  if ('client' in options) return postgresJsPool(options.client, false)
  if ('pool' in options) return nodePostgresPool(options.pool, options.prepare ?? false)
  const prepare = options.prepare ?? !(await isUrlPooled(options.url, schema, clock))
  return postgresJsPool(connect(options.url, options.poolSize ?? 10, prepare), true)
}

/** What keeps a worker alive has its own; but a caller's own client or pool is all there is. */
export function controlPoolOf(options: PgStoreOptions, pool: ConnectionPool): ConnectionPool {
  if (!('url' in options)) return pool
  return postgresJsPool(connect(options.url, controlConnections, pool.prepares), true)
}

async function isUrlPooled(url: string, schema: string, clock: Clock): Promise<boolean> {
  const probe = postgresJsPool(connect(url, 1, false), true)
  try {
    return await isPooled(probe, clock)
  } catch (error) {
    throw translated(error, { address: probe.address, schema })
  } finally {
    await probe.close()
  }
}

function connect(url: string, max: number, prepare: boolean): postgres.Sql {
  // postgres.js would send a statement behind one that waits for a lock, on the same connection.
  const oneAtATime = { max_pipeline: 1 }
  return postgres(url, {
    ...oneAtATime,
    max,
    prepare,
    fetch_types: false,
    connect_timeout: 10,
    onnotice: () => undefined,
    connection: { application_name: 'tasking' },
  })
}
