import { storeConformance } from '@tasking/core/conformance'
import {
  nodePostgres,
  pgBouncerAvailable,
  pooled,
  startPgBouncer,
  testDatabase,
  useDatabase,
} from '@tasking/testbed'
import type { PgBouncer } from '@tasking/testbed'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { migrate, pgStore } from '../src/index.ts'
import { rejection } from './hand.ts'
import { emptied } from './emptied.ts'

describe.skipIf(!pgBouncerAvailable())('through PgBouncer in transaction mode', () => {
  const database = useDatabase()
  let bouncer: PgBouncer
  let direct: postgres.Sql

  beforeAll(async () => {
    direct = postgres(database.directUrl, { max: 1, onnotice: () => undefined })
    bouncer = await startPgBouncer({ url: database.directUrl, poolSize: 3 })
  })
  afterAll(async () => {
    await direct.end({ timeout: 1 })
    await bouncer.stop()
  })

  test('the store notices, and does without prepared statements and LISTEN', async () => {
    await using store = pgStore({ url: bouncer.url })
    await store.check()
    expect(store.signals).toBeUndefined()
  })

  test.each(['postgres.js', 'node-postgres'])(
    'a set-up of %s that names its statements is refused',
    async (driver) => {
      const pool = nodePostgres(bouncer.url, 8)
      const client = postgres(bouncer.url, { max: 8, prepare: true, fetch_types: false })
      await using store =
        driver === 'postgres.js' ? pgStore({ client }) : pgStore({ pool, prepare: true })
      const error = await rejection(store.list())
      expect(error).toMatchObject({ code: 'unsafe_driver' })
      expect(String(error)).toContain('prepare')
      await client.end({ timeout: 1 })
      await pool.end()
    },
  )

  test.each(['postgres.js', 'node-postgres'])(
    'a set-up of %s that names its statements is refused, however idle the pooler is',
    async (driver) => {
      await using idle = await startPgBouncer({ url: database.directUrl })
      const adminUrl = new URL(idle.url)
      adminUrl.pathname = '/pgbouncer'
      const admin = postgres(adminUrl.href, { max: 1, fetch_types: false, prepare: false })
      for (let nth = 0; nth < 12; nth += 1) {
        await admin.unsafe('reconnect').simple()
        await warmUp(idle.url)
        const pool = nodePostgres(idle.url, 2)
        const client = postgres(idle.url, { max: 2, prepare: true, fetch_types: false })
        const options = driver === 'postgres.js' ? { client } : { pool, prepare: true }
        await using store = pgStore({ ...options, listen: false })
        expect(await rejection(store.list())).toMatchObject({ code: 'unsafe_driver' })
        await client.end({ timeout: 1 })
        await pool.end()
      }
      await admin.end({ timeout: 1 })
    },
  )

  test('a pooler with one session for all is no reason to refuse, or to wait for ever', async () => {
    await using narrow = await startPgBouncer({ url: database.directUrl, poolSize: 1 })
    const pool = nodePostgres(narrow.url, 2)
    await using one = pgStore({ pool })
    await using other = pgStore({ pool })
    expect(await Promise.all([one.list(), other.list()])).toEqual([[], []])
    await pool.end()
  })

  test('migrate works', async () => {
    await direct`drop schema tasking cascade`
    const reports = await Promise.all([1, 2, 3].map(() => migrate({ url: bouncer.url })))
    expect(reports.map(({ to }) => to)).toEqual(reports.map(() => reports[0]?.to))
  })

  // A run whose stores all go through PgBouncer has this in conformance.test.ts, with both drivers.
  describe.skipIf(pooled)('on postgres.js', () => {
    test.each(storeConformance)('$name', async ({ run }) => {
      await emptied(direct)
      await using store = pgStore({ url: bouncer.url, poolSize: 3 })
      await run(store)
    })
  })
})

describe('by the way that this run takes', () => {
  test('signals come if it is direct', async () => {
    await using database = await testDatabase()
    await using store = pgStore({ url: database.url })
    await store.check()
    expect(store.signals === undefined).toBe(pooled)
  })

  test('an isolation level that the protocol cannot use is refused', async () => {
    await using database = await testDatabase()
    const sql = postgres(database.directUrl, { max: 1 })
    await sql.unsafe(
      `alter database "${database.name}" set default_transaction_isolation = 'repeatable read'`,
    )
    await sql.end({ timeout: 1 })
    await using store = pgStore({ url: database.url })
    const error = await rejection(store.list())
    expect(error).toMatchObject({ code: 'unsafe_driver' })
    expect(String(error)).toContain('repeatable read')
  })
})

/** Leaves one connection of the pooler's to the server. */
async function warmUp(url: string): Promise<void> {
  const client = postgres(url, { max: 1, prepare: false, fetch_types: false })
  await client`select 1`
  await client.end({ timeout: 1 })
}
