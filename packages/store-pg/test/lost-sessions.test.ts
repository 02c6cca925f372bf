import { nodePostgres, useDatabase } from '@tasking/testbed'
import postgres from 'postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ConnectionPool } from '../src/connection.ts'
import { nodePostgresPool } from '../src/node-postgres.ts'
import { postgresJsPool } from '../src/postgres-js.ts'

const rounds = 15
const sessions = 8
const endedEach = 4

const database = useDatabase()
let sql: postgres.Sql

beforeAll(() => {
  sql = postgres(database.directUrl, { max: 1, onnotice: () => undefined })
})
afterAll(() => sql.end({ timeout: 1 }))

// What the driver does wrong it does beside all promises: then the run fails by an uncaught error.
test.each(['postgres.js', 'node-postgres'])(
  'transactions on %s whose sessions are ended fail, and nothing else does',
  async (driver) => {
    let failed = 0
    for (let round = 0; round < rounds; round += 1) {
      // postgres.js may leave a connection hanging that was lost as it was about to send something.
      const { pool, end } = open(driver)
      let isOver = false
      const caller = async () => {
        while (!isOver) await transact(pool).catch(() => (failed += 1))
      }
      const callers = Array.from({ length: sessions }, caller)
      for (let ended = 0; ended < endedEach; ended += await endOne());
      isOver = true
      await end()
      await Promise.all(callers)
    }
    expect(failed).toBeGreaterThan(rounds)
  },
)

/** @returns how many sessions that was */
async function endOne(): Promise<number> {
  const gone = await sql`
    select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and application_name = 'to be ended' and xact_start is not null
     order by random() limit 1`
  return gone.length
}

async function transact(pool: ConnectionPool): Promise<number> {
  return pool.transaction(async (connection) => {
    await connection.query('select $1::int', [1])
    await connection.query('select $1::int', [2])
    const [row] = await connection.query('select $1::int', [3])
    return Number(row?.[0])
  })
}

function open(driver: string): { pool: ConnectionPool; end(): Promise<void> } {
  const url = new URL(database.directUrl)
  url.searchParams.set('application_name', 'to be ended')
  if (driver === 'node-postgres') {
    const pool = nodePostgres(url.href, sessions)
    return { pool: nodePostgresPool(pool, false), end: () => pool.end() }
  }
  const client = postgres(url.href, {
    ...{ max: sessions, fetch_types: false, backoff: false, onnotice: () => undefined },
  })
  return { pool: postgresJsPool(client, false), end: () => client.end({ timeout: 0.1 }) }
}
