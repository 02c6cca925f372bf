import { MemoryStore, normalizeResources } from '@tasking/core'
import type { Explanation, NewTask, Store, TaskInLine } from '@tasking/core'
import { useDatabase } from '@tasking/testbed'
import fc from 'fast-check'
import postgres from 'postgres'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { runs } from '../../core/test/arbitraries.ts'
import { pgStore } from '../src/index.ts'
import type { PgStore } from '../src/index.ts'
import { claim, completed, register, taskOf } from './hand.ts'
import { OpenTransaction } from './open-transaction.ts'

const database = useDatabase()
let store: PgStore
let sql: postgres.Sql

beforeAll(() => {
  store = pgStore({ url: database.url, listen: false })
  sql = postgres(database.directUrl, { max: 2, fetch_types: false, onnotice: () => undefined })
})
beforeEach(() => emptied())
afterAll(async () => {
  await store.close()
  await sql.end({ timeout: 1 })
})

async function emptied(): Promise<void> {
  await sql`truncate tasking.task, tasking.reservation, tasking.app_status`
}

const names = ['r1', 'r2', 'r3'] as const
const capacities = { r1: 2, r2: 3, r3: 5 }

const request = fc
  .uniqueArray(
    fc.record({
      name: fc.constantFrom(...names),
      mode: fc.constantFrom('exclusive', 'shared', 'counted'),
      pick: fc.nat(),
    }),
    { maxLength: 3, selector: ({ name }) => name },
  )
  .map((list) => {
    const of = (mode: string) => list.filter((one) => one.mode === mode).map(({ name }) => name)
    const counted = list
      .filter(({ mode }) => mode === 'counted')
      .map(({ name, pick }) => {
        const capacity = capacities[name]
        return { resource: name, amount: 1 + (pick % capacity), capacity }
      })
    return normalizeResources({ exclusive: of('exclusive'), shared: of('shared'), counted })
  })

const situation = fc.record({
  requests: fc.array(request, { minLength: 1, maxLength: 12 }),
  claims: fc.nat({ max: 6 }),
  finishes: fc.nat({ max: 3 }),
  canceled: fc.array(fc.nat({ max: 11 }), { maxLength: 3 }),
})

test('PostgreSQL explains every situation as the model does', async () => {
  await fc.assert(
    fc.asyncProperty(situation, async ({ requests, claims, finishes, canceled }) => {
      await emptied()
      const tasks = requests.map((resources, n): NewTask => ({
        ...{ id: crypto.randomUUID(), name: `task${n % 2}`, input: null, queue: 'default' },
        ...{ priority: 0, resources },
      }))
      const workers = [crypto.randomUUID(), crypto.randomUUID()]
      const reach = async (side: Store) => {
        for (const [n, id] of workers.entries()) {
          await side.registerWorker({
            ...{ id, name: `w${n}`, ttlMs: 60_000, concurrency: 4, version: '' },
            ...{ queues: ['default'], taskNames: n === 0 ? ['task0', 'task1'] : ['task1'] },
          })
        }
        await side.dispatch(tasks)
        const [first = '', second = ''] = workers
        const running = await claim(side, first, claims)
        await claim(side, second, 1)
        const completions = running.slice(0, finishes).map(completed)
        await side.turn({ workerId: first, slots: 0, completions, looks: [] })
        for (const n of canceled) {
          await side.cancel(tasks[n]?.id ?? crypto.randomUUID()).catch(() => undefined)
        }
        return pictureOf(side, tasks)
      }
      await using model = new MemoryStore()
      expect(await reach(store)).toEqual(await reach(model))
    }),
    { numRuns: runs(60) },
  )
}, 120_000)

/** All that a store says of its lines, but for times, which have their own clock on each side. */
async function pictureOf(side: Store, tasks: readonly NewTask[]) {
  const timeless = ({ since, ...task }: TaskInLine) => ({ ...task, dated: since instanceof Date })
  const explanations = await Promise.all(tasks.map(({ id }) => side.explain(id)))
  const lines = await Promise.all([...names, 'nobody'].map((name) => side.line(name, 5)))
  return {
    explanations: explanations.map(({ task, places, chain, workers }: Explanation) => ({
      ...{ id: task.id, state: task.state, workers },
      places: places.map(({ holders, before, ...place }) => ({
        ...place,
        ...{ holders: holders.map(timeless), before: before && timeless(before) },
      })),
      chain: chain.map(({ resource, task: link }) => ({ resource, task: timeless(link) })),
    })),
    lines: lines.map((line) => ({ ...line, tasks: line.tasks.map(timeless) })),
    resources: (await side.resources()).map(({ oldest, ...line }) => ({
      ...{ ...line, dated: oldest instanceof Date },
    })),
  }
}

test('a holder whose worker nobody knows any more is named without it', async () => {
  const workerId = await register(store)
  const [holder, waiting] = [
    taskOf(store, { exclusive: ['r'] }),
    taskOf(store, { exclusive: ['r'] }),
  ]
  await store.dispatch([holder, waiting])
  await claim(store, workerId, 1)
  await sql`delete from tasking.app_status`
  const { chain, workers } = await store.explain(waiting.id)
  expect(chain).toMatchObject([{ task: { id: holder.id, workerId, workerName: null } }])
  expect(workers).toEqual({ serving: 0, freeSlots: 0 })
})

test('a worker past its time is not among those that could run a task', async () => {
  const workerId = await register(store)
  const task = taskOf(store)
  await store.dispatch([task])
  expect((await store.explain(task.id)).workers).toEqual({ serving: 1, freeSlots: 10 })
  await sql`update tasking.app_status set last_heartbeat_at = '-infinity' where id = ${workerId}`
  expect((await store.explain(task.id)).workers).toEqual({ serving: 0, freeSlots: 0 })
})

test('a task whose wake-up was lost is blocked by nobody', async () => {
  const [first, lost] = [taskOf(store, { exclusive: ['r'] }), taskOf(store, { exclusive: ['r'] })]
  await store.dispatch([first, lost])
  // As if the process that ended the first had died between its commit and its second look.
  await sql`delete from tasking.reservation where task_id = ${first.id}`
  const { task, places, chain } = await store.explain(lost.id)
  expect([task.unblockedAt, chain]).toEqual([null, []])
  expect(places).toMatchObject([{ place: 1, blocked: false, before: null }])
})

test('a task that its handler has completed, but not yet committed, holds its place', async () => {
  const workerId = await register(store)
  await store.dispatch([taskOf(store, { exclusive: ['r'] }), taskOf(store, { exclusive: ['r'] })])
  const [running] = await claim(store, workerId, 1)
  if (running === undefined) throw new Error('one task')
  const { id, fencingToken } = running
  await using _open = await OpenTransaction.begin(sql, (tx) =>
    store.complete({ id, workerId, fencingToken, result: null }, { tx }),
  )
  expect(await store.line('r')).toMatchObject({
    ...{ length: 2, running: 1, tasks: [{ id, state: 'running' }, { state: 'waiting' }] },
  })
})

test('what moves on meanwhile does no harm', async () => {
  const workerId = await register(store)
  const tasks = Array.from({ length: 60 }, (_, n) =>
    taskOf(store, { exclusive: [`r${n % 3}`], shared: ['all'] }),
  )
  await store.dispatch(tasks)
  let left = tasks.length
  const work = async () => {
    let running = await claim(store, workerId, 3)
    while (running.length > 0) {
      left -= running.length
      const completions = running.map(completed)
      running = (await store.turn({ workerId, slots: 3, completions, looks: [] })).claimed
    }
  }
  const ask = async () => {
    while (left > 0) {
      const { task, places, chain } = await store.explain(tasks[59]?.id ?? '')
      if (task.state === 'waiting') expect(places.length + chain.length).toBeLessThanOrEqual(62)
      for (const { resource, running, waiting, length } of await store.resources()) {
        expect([resource, running + waiting]).toEqual([resource, length])
        expect((await store.line(resource, 3)).tasks.length).toBeLessThanOrEqual(3)
      }
    }
  }
  await Promise.all([work(), ask(), ask()])
  expect(left).toBe(0)
})
