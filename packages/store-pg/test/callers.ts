import { drizzle as drizzleNodePostgres } from 'drizzle-orm/node-postgres'
import { drizzle as drizzlePostgresJs } from 'drizzle-orm/postgres-js'
import type pg from 'pg'
import type postgres from 'postgres'
import type { CallerTransaction } from '../src/index.ts'

/** The caller's own connections. */
export interface Clients {
  readonly sql: postgres.Sql
  readonly pool: pg.Pool
}

type InTransaction = (
  clients: Clients,
  run: (tx: CallerTransaction) => Promise<void>,
) => Promise<void>

/** How callers begin the transactions that they hand to the store; rolled back on an error. */
export const callers: Record<string, InTransaction> = {
  async 'postgres.js'({ sql }, run) {
    await sql.begin((tx) => run(tx))
  },
  async 'node-postgres'({ pool }, run) {
    const client = await pool.connect()
    try {
      await client.query('begin')
      await run(client)
      await client.query('commit')
    } catch (error) {
      await client.query('rollback')
      throw error
    } finally {
      client.release()
    }
  },
  'Drizzle on postgres.js': ({ sql }, run) => drizzlePostgresJs(sql).transaction((tx) => run(tx)),
  'Drizzle on node-postgres': ({ pool }, run) =>
    drizzleNodePostgres(pool).transaction((tx) => run(tx)),
}
