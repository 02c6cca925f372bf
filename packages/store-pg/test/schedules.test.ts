import { normalizeResources } from '@tasking/core'
import { useDatabase } from '@tasking/testbed'
import postgres from 'postgres'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { pgStore } from '../src/index.ts'
import type { PgStore } from '../src/index.ts'
import { emptied } from './emptied.ts'
import { taskOf } from './hand.ts'
import { OpenTransaction } from './open-transaction.ts'

const database = useDatabase()
let store: PgStore
let sql: postgres.Sql

beforeAll(() => {
  store = pgStore({ url: database.url, listen: false })
  sql = postgres(database.directUrl, { max: 2, onnotice: () => undefined })
})
beforeEach(() => emptied(sql))
afterAll(async () => {
  await store.close()
  await sql.end({ timeout: 1 })
})

const setOn = (resource: string | string[], name: string) =>
  store.setSchedule({
    ...{ name, timing: { everyMs: 60_000 }, nextAt: new Date(0) },
    task: {
      ...{ name: 'task', input: null, queue: 'default', priority: 0 },
      resources: normalizeResources({ exclusive: [resource].flat() }),
    },
  })

const fire = (name: string, revision: number) =>
  store.fireSchedule({ name, taskId: store.newId(), due: { revision, nextAt: null } })

test("somebody's open transaction with the dispatch locks holds up neither firing nor changes", async () => {
  const { revision } = await setOn('held', 'busy')
  const other = await setOn('free', 'other')
  await using transaction = await OpenTransaction.begin(sql, (tx) =>
    store.dispatch([taskOf(store, { exclusive: ['held'] })], { tx }),
  )
  expect(await fire('busy', revision)).toEqual({ kind: 'busy' })
  expect((await fire('other', other.revision)).kind).toBe('fired')
  const paused = { name: 'busy', revision, paused: true, nextAt: new Date(0) }
  expect(await store.planSchedule(paused)).toBe(true)
  expect(await store.planSchedule({ ...paused, paused: false, revision: revision + 1 })).toBe(true)
  await transaction.commit()
  expect(await fire('busy', revision + 2)).toMatchObject({ kind: 'fired', blocked: true })
})

test('nor where its own task is for more resources than are locked one by one', async () => {
  const wide = Array.from({ length: 100 }, (_, n) => `r${n}`)
  const { revision } = await setOn(wide, 'busy')
  await using _open = await OpenTransaction.begin(sql, (tx) =>
    store.dispatch([taskOf(store, { exclusive: ['held'] })], { tx }),
  )
  const beginning = performance.now()
  expect(await fire('busy', revision)).toEqual({ kind: 'busy' })
  // Half a second, not the eight of a dispatch that nobody else waits for.
  expect(performance.now() - beginning).toBeLessThan(4_000)
})

test('a row that somebody else is firing is passed over', async () => {
  const { revision } = await setOn('r', 'held')
  await sql.begin(async (tx) => {
    await tx`select from tasking.schedule where name = 'held' for update`
    expect(await fire('held', revision)).toEqual({ kind: 'busy' })
  })
  expect((await fire('held', revision)).kind).toBe('fired')
})

test('what is due is found by its index, however many are not', async () => {
  await sql`
    insert into tasking.schedule (name, timing, task, revision, next_at)
    select 's' || n, '{"everyMs": 1000}', '{}', 1, now() + n * interval '1 hour'
      from generate_series(1, 5000) as n`
  await sql`analyze tasking.schedule`
  const [row] = await sql`
    explain (format json)
    select * from tasking.schedule as s
     where s.next_at is not null and s.paused_at is null
     order by s.next_at limit 100`
  expect(JSON.stringify(row)).toContain('schedule_due')
  const { due, nextInMs } = await store.dueSchedules()
  expect(due).toEqual([])
  expect(nextInMs).toBeGreaterThan(3_500_000)
})
