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

  test('migrate works', async () => {
    await direct`drop schema tasking cascade`
    const reports = await Promise.all([1, 2, 3].map(() => migrate({ url: bouncer.url })))
    expect(reports.map(({ to }) => to)).toEqual(reports.map(() => reports[0]?.to))
  })

  // A run whose stores all go through PgBouncer has this in conformance.test.ts.
  const drivers = pooled ? [] : ['postgres.js', 'node-postgres']
  describe.each(drivers)('on %s', (driver) => {
    test.each(storeConformance)('$name', async ({ run }) => {
      await direct`truncate tasking.task, tasking.reservation, tasking.app_status`
      const pool = nodePostgres(bouncer.url, 3)
      const store =
        driver === 'postgres.js' ? pgStore({ url: bouncer.url, poolSize: 3 }) : pgStore({ pool })
      try {
        await run(store)
      } finally {
        await store.close()
        await pool.end()
      }
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
