import pg from 'pg'

/**
 * A node-postgres pool for tests. `pool.end()` resolves before its connections are closed, so one
 * of them may still hear of the end of its database, which would end the process unheard.
 */
export function nodePostgres(url: string, max: number): pg.Pool {
  const pool = new pg.Pool({ connectionString: url, max })
  pool.on('connect', (client) => client.on('error', () => undefined))
  return pool
}
