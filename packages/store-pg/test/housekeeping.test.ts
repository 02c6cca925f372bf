import { useDatabase } from '@tasking/testbed'
import postgres from 'postgres'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { pgStore } from '../src/index.ts'
import type { PgStore } from '../src/index.ts'
import { emptied } from './emptied.ts'
import { claim, completed, register, rejection, taskOf } from './hand.ts'

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

async function silent(workerId: string): Promise<void> {
  await sql`update tasking.app_status set last_heartbeat_at = now() - interval '1 hour'
             where id = ${workerId}`
}

test('a missing worker loses its tasks, with a reason, and the next in line may run', async () => {
  const [gone, alive] = [await register(store), await register(store)]
  const [task, asked] = [taskOf(store, { exclusive: ['r'] }), taskOf(store)]
  await store.dispatch([task, asked, taskOf(store, { exclusive: ['r'] })])
  const claimed = await claim(store, gone, 10)
  await store.cancel(asked.id)
  await silent(gone)
  expect(await store.housekeep()).toEqual({
    ...{ done: true, missingWorkers: [gone], lostTasks: 2, unblocked: 1, nextDueMs: null },
  })
  const found = await store.find([task.id, asked.id])
  const states = Object.fromEntries(found.map(({ id, state, error }) => [id, [state, error?.code]]))
  expect(states).toEqual({
    [task.id]: ['failed', 'worker_missing'],
    [asked.id]: ['canceled', 'worker_missing'],
  })
  expect(await claim(store, alive, 10)).toHaveLength(1)
  // It was only paused, and comes back: too late.
  const completions = claimed.map(completed)
  const late = store.turn({ workerId: gone, slots: 0, completions, looks: [] })
  expect(await rejection(late)).toMatchObject({ code: 'worker_missing', workerId: gone })
  expect((await store.beat(gone)).alive).toBe(false)
})

test('a worker past its time claims nothing, even before anybody has noticed', async () => {
  const worker = await register(store)
  await store.dispatch([taskOf(store)])
  await silent(worker)
  expect(await rejection(claim(store, worker, 1))).toMatchObject({ code: 'worker_missing' })
})

test('tasks whose owner nobody knows are lost as well', async () => {
  const worker = await register(store)
  await store.dispatch([taskOf(store, { exclusive: ['r'] })])
  const [task] = await claim(store, worker, 1)
  await sql`delete from tasking.app_status`
  expect(await store.housekeep()).toMatchObject({ missingWorkers: [], lostTasks: 1 })
  const [found] = await store.find([task?.id ?? ''])
  expect(found).toMatchObject({ state: 'failed', error: { code: 'worker_missing' } })
})

test('the sweep finds wake-ups that died with their process', async () => {
  const [worker, other] = [await register(store), await register(store)]
  await store.dispatch([
    taskOf(store, { exclusive: ['p'] }),
    taskOf(store, { shared: ['q'] }),
    taskOf(store, { exclusive: ['p'], shared: ['q'] }),
    taskOf(store, { shared: ['p'] }),
  ])
  await claim(store, worker, 10)
  // As if it had died between the commit of a release and its second look.
  await sql`delete from tasking.reservation where resource = 'p' and position =
             (select min(position) from tasking.reservation where resource = 'p')`
  expect(await claim(store, other, 10)).toEqual([])
  expect((await store.housekeep({ sweep: false })).unblocked).toBe(0)
  expect((await store.housekeep()).unblocked).toBe(1)
  expect(await claim(store, other, 10)).toHaveLength(1)
})

test('a worker that goes missing with more reservations than the server has locks', async () => {
  const worker = await register(store)
  const [limit] = await sql`select current_setting('max_locks_per_transaction')::int
                                 * current_setting('max_connections')::int as locks`
  const count = Math.ceil(Number(limit?.['locks']) / 2)
  const tasks = Array.from({ length: count }, (_, n) =>
    taskOf(store, { exclusive: [`a${n}`, `b${n}`], shared: [`c${n}`] }),
  )
  await store.dispatch([...tasks, taskOf(store, { exclusive: ['a7'] })])
  expect(await claim(store, worker, count)).toHaveLength(count)
  await silent(worker)
  expect(await store.housekeep()).toMatchObject({ lostTasks: count, unblocked: 1 })
}, 120_000)

test('many workers that go missing at once, with more reservations than the server has locks', async () => {
  const workers = await Promise.all(Array.from({ length: 100 }, () => register(store)))
  const tasks = Array.from({ length: 3_000 }, (_, n) =>
    taskOf(store, { exclusive: [`a${n}`, `b${n}`], shared: [`c${n}`] }),
  )
  const behind = tasks.map((_, n) => taskOf(store, { exclusive: [`b${n}`] }))
  await store.dispatch([...tasks, ...behind])
  for (const worker of workers) {
    expect(await claim(store, worker, 30)).toHaveLength(30)
    await silent(worker)
  }
  expect(await store.housekeep()).toMatchObject({ lostTasks: 3_000, unblocked: 3_000 })
}, 120_000)

test('a resource of the name of housekeeping does not stop it', async () => {
  await sql.begin(async (tx) => {
    await store.dispatch([taskOf(store, { exclusive: ['housekeeping'] })], { tx })
    expect(await store.housekeep()).toMatchObject({ done: true })
  })
})

test('only one at a time gets through', async () => {
  await sql.begin(async (tx) => {
    await tx`select tasking.housekeep(true)`
    expect(await store.housekeep()).toMatchObject({ done: false })
  })
  expect(await store.housekeep()).toMatchObject({ done: true })
})
