import { eventually, useDatabase } from '@tasking/testbed'
import postgres from 'postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { pgStore } from '../src/index.ts'
import type { PgStore } from '../src/index.ts'
import { emptied } from './emptied.ts'
import { claim, completed, register, taskOf } from './hand.ts'
import { somebodyWaitsToDispatch } from './waits.ts'

const database = useDatabase()
let store: PgStore
let sql: postgres.Sql

beforeAll(() => {
  store = pgStore({ url: database.url, listen: false, poolSize: 8 })
  sql = postgres(database.url, { max: 4, prepare: false, onnotice: () => undefined })
})
beforeEach(() => emptied(sql))
afterAll(async () => {
  await store.close()
  await sql.end({ timeout: 1 })
})

test('a batch with more resources than the server has locks', async () => {
  const [limit] = await sql`select current_setting('max_locks_per_transaction')::int
                                 * current_setting('max_connections')::int as locks`
  const size = Math.ceil((Number(limit?.['locks']) * 2) / 3)
  const tasks = Array.from({ length: size }, (_, n) =>
    taskOf(store, { exclusive: [`a${n}`, `b${n}`], shared: [`c${n}`] }),
  )
  const answer = await store.dispatch(tasks)
  expect(answer.filter(({ blocked }) => blocked)).toEqual([])
}, 120_000)

test('large and small batches at once, on the same resources, in any order', async () => {
  const names = Array.from({ length: 100 }, (_, n) => `shared ground ${n}`)
  const one = (start: number, count: number) =>
    taskOf(store, { exclusive: names.slice(start, start + count) })
  const batches = Array.from({ length: 40 }, (_, n) =>
    n % 4 === 0 ? [one(0, 100)] : [one((n * 7) % 60, 30), one((n * 13) % 90, 5)],
  )
  const answers = await Promise.all(batches.map((tasks) => store.dispatch(tasks)))
  expect(answers.flat().length).toBe(batches.flat().length)
  // Whoever is in line first on a resource is unblocked, and nobody else on it.
  const [conflicts] = await sql`
    select count(*)::int as n
      from tasking.reservation r
      join tasking.reservation e on e.resource = r.resource and e.position < r.position
      join tasking.task t on t.id = r.task_id
     where t.unblocked_at is not null and 'exclusive' in (r.mode, e.mode)`
  expect(conflicts).toEqual({ n: 0 })
})

describe('a transaction of the caller that stays open', () => {
  // With so many more it has passed the gate in place of the resource's own lock.
  test.each([0, 100])(
    'holds up nobody who completes, and is seen then: %d more resources',
    async (more) => {
      const worker = await register(store)
      await store.dispatch([taskOf(store, { exclusive: ['held'] })])
      const [first] = await claim(store, worker, 10)
      if (first === undefined) throw new Error('the task should have been claimed')
      const others = Array.from({ length: more }, (_, n) => `other ${n}`)
      const waiting = taskOf(store, { exclusive: ['held', ...others] })
      let looks: Awaited<ReturnType<PgStore['turn']>>['looks'] = []
      await sql.begin(async (tx) => {
        const [answer] = await store.dispatch([waiting], { tx })
        expect(answer?.blocked).toBe(true)
        const turn = await store.turn({
          ...{ workerId: worker, slots: 0, looks: [] },
          completions: [completed(first)],
        })
        expect(turn.refused).toEqual([])
        expect(turn.looks).toEqual([{ resource: 'held', mode: 'exclusive', inFlight: true }])
        looks = turn.looks
      })
      const after = await store.turn({ workerId: worker, slots: 100, completions: [], looks })
      expect(after.claimed.map(({ id }) => id)).toContain(waiting.id)
      expect(after.looks).toEqual([])
    },
  )

  test('holds up a large batch, but not those who come after it', async () => {
    const names = Array.from({ length: 200 }, (_, n) => `of the batch ${n}`)
    let batch: Promise<unknown> | undefined
    let batchDone = false
    await sql.begin(async (tx) => {
      await store.dispatch([taskOf(store, { exclusive: ['of somebody'] })], { tx })
      batch = store.dispatch([taskOf(store, { exclusive: names })]).then(() => (batchDone = true))
      await eventually(() => somebodyWaitsToDispatch(sql), { what: 'the batch to wait' })
      for (let n = 0; n < 5; n += 1) {
        await store.dispatch([taskOf(store, { exclusive: [`of another ${n}`] })])
      }
      expect(batchDone).toBe(false)
    })
    await batch
    expect(await store.list()).toHaveLength(7)
  })

  test('with an old snapshot: its task is blocked to be safe, until the sweep looks', async () => {
    const task = taskOf(store, { exclusive: ['old snapshot'] })
    await sql.begin('isolation level repeatable read', async (tx) => {
      await tx`select 1 from tasking.task limit 1`
      const [answer] = await store.dispatch([task], { tx })
      expect(answer?.blocked).toBe(true)
    })
    expect((await store.housekeep()).unblocked).toBe(1)
    const [found] = await store.find([task.id])
    expect(found?.unblockedAt).not.toBeNull()
  })
})
