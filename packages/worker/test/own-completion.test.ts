import { batchEntry, defineTask, StoreUnavailableError } from '@tasking/core'
import type { Completion, Store, Task } from '@tasking/core'
import { spawnNode } from '@tasking/testbed'
import postgres from 'postgres'
import { describe, expect, test } from 'vitest'

import { Outbox } from '../src/outbox.ts'
import { forwardingStore } from './forwarding-store.ts'
import { Scene } from './scene.ts'

const lines = { exclusive: ['line'] }

/** A handler's own database, which is that of the tasks: a table for what its work has effected. */
class Ledger implements AsyncDisposable {
  readonly sql: postgres.Sql

  private constructor(url: string) {
    this.sql = postgres(url, { max: 8, prepare: false, onnotice: () => undefined })
  }

  static async open(scene: Scene): Promise<Ledger> {
    const ledger = new Ledger(scene.url)
    await ledger.sql`create table effect (task uuid not null, "order" int not null)`
    await ledger.sql`create table going_on ()`
    return ledger
  }

  async enter(tx: postgres.TransactionSql, task: string, order = 0): Promise<void> {
    await tx`insert into effect (task, "order") values (${task}, ${order})`
  }

  /** How often each task has had its effect. */
  async effects(): Promise<Record<string, number>> {
    const rows = await this.sql`select task, count(*)::int as n from effect group by task`
    return Object.fromEntries(rows.map(({ task, n }) => [String(task), Number(n)]))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sql.end({ timeout: 1 })
  }
}

/** Runs after whatever holds the line. */
const next = defineTask({ name: 'next', resources: lines, run: () => 'ran' })

describe('a handler that completes its task in a transaction of its own', () => {
  test('has its work and the result kept together, and the next in line goes on', async () => {
    await using scene = await Scene.open()
    await using ledger = await Ledger.open(scene)
    const own = defineTask({
      name: 'own',
      resources: lines,
      async run(order: number, { task, complete }) {
        await ledger.sql.begin(async (tx) => {
          await ledger.enter(tx, task.id)
          await complete(tx, { order })
        })
        return { order: -1 }
      },
    })
    const tasking = scene.tasking([own, next])
    const [first, second] = await tasking.dispatchBatch([batchEntry(own, 5), batchEntry(next)])
    const { log } = await scene.startedWorker(tasking)
    expect(await first.result()).toEqual({ order: 5 })
    expect(await second.result()).toBe('ran')
    await log.next('finished', { taskId: first.id })
    expect(await ledger.effects()).toEqual({ [first.id]: 1 })
    expect(log.of('refused')).toEqual([])
  })

  test('stays completed although the handler throws afterwards', async () => {
    await using scene = await Scene.open()
    await using ledger = await Ledger.open(scene)
    const own = defineTask({
      name: 'own',
      resources: lines,
      async run(_input: undefined, { task, complete }) {
        await ledger.sql.begin(async (tx) => {
          await ledger.enter(tx, task.id)
          await complete(tx, 'kept')
        })
        throw new Error('too late')
      },
    })
    const tasking = scene.tasking([own, next])
    const [first, second] = await tasking.dispatchBatch([batchEntry(own), batchEntry(next)])
    const { log } = await scene.startedWorker(tasking)
    expect(await second.result()).toBe('ran')
    await log.next('finished', { taskId: first.id })
    expect(await first.load()).toMatchObject({ state: 'completed', result: 'kept', error: null })
    expect(await ledger.effects()).toEqual({ [first.id]: 1 })
  })

  test('fails if it throws in the transaction, which takes everything back', async () => {
    await using scene = await Scene.open()
    await using ledger = await Ledger.open(scene)
    const own = defineTask({
      name: 'own',
      resources: lines,
      run: (_input: undefined, { task, complete }) =>
        ledger.sql.begin(async (tx) => {
          await ledger.enter(tx, task.id)
          await complete(tx)
          throw new TypeError('in time')
        }),
    })
    const tasking = scene.tasking([own, next])
    const [first, second] = await tasking.dispatchBatch([batchEntry(own), batchEntry(next)])
    await scene.startedWorker(tasking)
    expect(await second.result()).toBe('ran')
    expect(await first.load()).toMatchObject({
      ...{ state: 'failed', result: null, error: { name: 'TypeError', message: 'in time' } },
    })
    expect(await ledger.effects()).toEqual({})
  })

  test('may do without, if the transaction came to nothing', async () => {
    await using scene = await Scene.open()
    await using ledger = await Ledger.open(scene)
    const own = defineTask({
      name: 'own',
      async run(_input: undefined, { task, complete }) {
        const attempt = ledger.sql.begin(async (tx) => {
          await ledger.enter(tx, task.id)
          await complete(tx, 'of the transaction')
          throw new Error('no')
        })
        await attempt.catch(() => undefined)
        return 'without'
      },
    })
    const tasking = scene.tasking([own])
    const handle = await tasking.dispatch(own)
    await scene.startedWorker(tasking)
    expect(await handle.result()).toBe('without')
    expect(await ledger.effects()).toEqual({})
  })

  test('may try again, once the first transaction is over', async () => {
    await using scene = await Scene.open()
    await using ledger = await Ledger.open(scene)
    const own = defineTask({
      name: 'own',
      async run(_input: undefined, { task, complete }) {
        for (const attempt of [1, 2]) {
          const work = ledger.sql.begin(async (tx) => {
            await ledger.enter(tx, task.id)
            await complete(tx, attempt)
            if (attempt === 1) throw new Error('once more')
          })
          await work.catch(() => undefined)
        }
      },
    })
    const tasking = scene.tasking([own])
    const handle = await tasking.dispatch(own)
    await scene.startedWorker(tasking)
    expect(await handle.result()).toBe(2)
    expect(await ledger.effects()).toEqual({ [handle.id]: 1 })
  })

  test('fails with what it wants to keep if that is no JSON', async () => {
    await using scene = await Scene.open()
    await using ledger = await Ledger.open(scene)
    const own = defineTask({
      name: 'own',
      run: (_input: undefined, { complete }) =>
        ledger.sql.begin((tx) => complete(tx, { total: 1n })),
    })
    const tasking = scene.tasking([own])
    const handle = await tasking.dispatch(own)
    await scene.startedWorker(tasking)
    expect(await handle.finished()).toMatchObject({ state: 'failed', error: { code: 'not_json' } })
  })

  test('is told when it was asked to stop, and ends as canceled', async () => {
    await using scene = await Scene.open()
    await using ledger = await Ledger.open(scene)
    const [begun, over] = [scene.gate(), scene.gate()]
    const codes: unknown[] = []
    const own = defineTask({
      name: 'own',
      async run(_input: undefined, { task, complete }) {
        const work = ledger.sql.begin(async (tx) => {
          await ledger.enter(tx, task.id)
          begun.open()
          await over.opened
          await complete(tx)
        })
        await work.catch((error: { code: string }) => {
          codes.push(error.code)
          throw error
        })
      },
    })
    const tasking = scene.tasking([own])
    const handle = await tasking.dispatch(own)
    await scene.startedWorker(tasking)
    await begun.opened
    await handle.cancel('superseded')
    over.open()
    expect(await handle.finished()).toMatchObject({ state: 'canceled', cancelReason: 'superseded' })
    expect([codes, await ledger.effects()]).toEqual([['task_canceled'], {}])
  })
})

describe('a handler that ends before its transaction does', () => {
  /** A task whose transaction stays open until the gate is opened. */
  async function setUp(scene: Scene, ledger: Ledger, end: () => void) {
    const over = scene.gate()
    const transactions: Promise<unknown>[] = []
    const own = defineTask({
      name: 'own',
      resources: lines,
      async run(_input: undefined, { task, complete }) {
        await new Promise<void>((completed, failed) => {
          const work = ledger.sql.begin(async (tx) => {
            await ledger.enter(tx, task.id)
            await complete(tx, 'own')
            completed()
            await over.opened
            end()
          })
          transactions.push(work.catch(failed))
        })
        return 'returned'
      },
    })
    const other = defineTask({ name: 'other', run: (n: number) => n })
    const tasking = scene.tasking([own, next, other])
    const [first, second] = await tasking.dispatchBatch([batchEntry(own), batchEntry(next)])
    const scenery = await scene.startedWorker(tasking, { concurrency: 2 })
    await scenery.log.next('ended', { taskId: first.id })
    // Other tasks come and go meanwhile.
    for (let n = 0; n < 10; n += 1) {
      expect(await (await tasking.dispatch(other, n)).result()).toBe(n)
    }
    expect(await first.load()).toMatchObject({ state: 'running' })
    expect(await second.load()).toMatchObject({ state: 'waiting', unblockedAt: null })
    const settle = async () => {
      over.open()
      await Promise.all(transactions)
    }
    return { ...scenery, first, second, settle }
  }

  test('is completed with the commit, and then the next in line goes on', async () => {
    await using scene = await Scene.open()
    await using ledger = await Ledger.open(scene)
    const { first, second, settle, log } = await setUp(scene, ledger, () => undefined)
    expect(log.of('finished').map(({ taskId }) => taskId)).not.toContain(first.id)
    await settle()
    expect(await second.result()).toBe('ran')
    expect(await first.result()).toBe('own')
    expect(await ledger.effects()).toEqual({ [first.id]: 1 })
  })

  test('is completed by what it returned, if that is rolled back', async () => {
    await using scene = await Scene.open()
    await using ledger = await Ledger.open(scene)
    const { first, second, settle } = await setUp(scene, ledger, () => {
      throw new Error('after all')
    })
    await settle()
    expect(await second.result()).toBe('ran')
    expect(await first.result()).toBe('returned')
    expect(await ledger.effects()).toEqual({})
  })

  test('lets its worker stop only when it is settled', async () => {
    await using scene = await Scene.open()
    await using ledger = await Ledger.open(scene)
    const { worker, log, first, settle } = await setUp(scene, ledger, () => undefined)
    const stopped = worker.stop()
    await settle()
    await stopped
    expect(log.of('finished').map(({ taskId }) => taskId)).toContain(first.id)
    expect(await first.load()).toMatchObject({ state: 'completed' })
  })
})

test('a task has its effect once, although every third answer of the store is lost', async () => {
  await using scene = await Scene.open()
  await using ledger = await Ledger.open(scene)
  const own = defineTask({
    name: 'own',
    resources: (n: number) => ({ exclusive: [`line ${n % 4}`] }),
    run: (n: number, { task, complete }) =>
      ledger.sql.begin(async (tx) => {
        await ledger.enter(tx, task.id)
        await complete(tx, n)
      }),
  })
  let turns = 0
  const wrap = (store: Store) =>
    forwardingStore(store, {
      async turn(turn) {
        const result = await store.turn(turn)
        if (++turns % 3 === 0) throw new StoreUnavailableError('nowhere', 'the answer was lost')
        return result
      },
    })
  const tasking = scene.tasking([own], { wrap })
  const handles = await tasking.dispatchBatch(
    Array.from({ length: 40 }, (_, n) => batchEntry(own, n)),
  )
  const { log } = await scene.startedWorker(tasking, { concurrency: 6 })
  const results = await Promise.all(handles.map((handle) => handle.result()))
  expect(results).toEqual(Array.from({ length: 40 }, (_, n) => n))
  expect(await ledger.effects()).toEqual(Object.fromEntries(handles.map(({ id }) => [id, 1])))
  expect(log.of('refused')).toEqual([])
})

describe('a worker process', () => {
  const script = new URL('fixtures/transfers.ts', import.meta.url)
  // Their handlers are in the fixture.
  const transfer = defineTask({
    name: 'transfer',
    resources: (order: number) => ({ shared: ['accounts'], exclusive: [`account ${order % 7}`] }),
    run: (_order: number) => undefined,
  })
  const pausing = defineTask({
    name: 'pausing',
    run: (_moment: 'before' | 'after') => undefined,
  })

  test('that is killed again and again has every order carried out once', async () => {
    await using scene = await Scene.open()
    await using ledger = await Ledger.open(scene)
    const tasking = scene.tasking([])
    const handles = await tasking.dispatchBatch(
      Array.from({ length: 120 }, (_, order) => batchEntry(transfer, order)),
    )
    const done = new Map<number, Task>()
    /** Whatever failed is tried again, as a new task. */
    const carriedOut = async (order: number, handle = handles[order]): Promise<void> => {
      if (handle === undefined) throw new Error(`no order ${order}`)
      const task = await handle.finished()
      if (task.state === 'completed') return void done.set(order, task)
      expect(task).toMatchObject({ state: 'failed', error: { code: 'worker_missing' } })
      await carriedOut(order, await tasking.dispatch(transfer, order))
    }
    const all = Promise.all(handles.map((_, order) => carriedOut(order)))
    for (let kills = 0; kills < 3; kills += 1) {
      await using doomed = spawnNode(script, [scene.url])
      for (let n = 0; n < 15; n += 1) await doomed.waitForLine(/^transferred$/)
      doomed.kill('SIGKILL')
      await doomed.exit
    }
    // Nobody takes its place if it gives itself up.
    await using _last = spawnNode(script, [scene.url, '30s'])
    await all
    const rows = await ledger.sql`select task, "order" from effect order by "order"`
    expect(rows.map(({ order }) => Number(order))).toEqual(handles.map((_, order) => order))
    expect(rows.map(({ task }) => String(task))).toEqual(
      handles.map((_, order) => done.get(order)?.id),
    )
    const failed = await tasking.list({ states: ['failed'], limit: 1_000 })
    const effects = await ledger.effects()
    expect(failed.filter(({ id }) => effects[id] !== undefined)).toEqual([])
  })

  test.each([
    ['before', 'failed', /^rolled back: TaskLostError/, 0],
    ['after', 'completed', /^committed$/, 1],
  ] as const)(
    'that is paused %s it completes its task has it %s once it was given up',
    async (moment, state, line, count) => {
      await using scene = await Scene.open()
      await using ledger = await Ledger.open(scene)
      const tasking = scene.tasking([])
      const handle = await tasking.dispatch(pausing, moment)
      await using paused = spawnNode(script, [scene.url])
      await paused.waitForLine(/^pausing$/)
      paused.kill('SIGSTOP')
      // Somebody else notices that it is gone.
      const { log } = await scene.startedWorker(scene.tasking([next]))
      await log.next('started')
      while ((await tasking.store.workers()).length > 1) await tasking.store.housekeep()
      await ledger.sql`insert into going_on default values`
      paused.kill('SIGCONT')
      await paused.waitForLine(line)
      expect(await handle.finished()).toMatchObject({ state })
      expect(Object.values(await ledger.effects())).toEqual(Array(count).fill(1))
    },
  )
})

describe('in memory', () => {
  test('a task is completed at once, whatever the transaction is', async () => {
    await using scene = await Scene.open('memory')
    const own = defineTask({
      name: 'own',
      resources: lines,
      async run(_input: undefined, { complete }) {
        await complete({}, 'own')
        throw new Error('too late')
      },
    })
    const tasking = scene.tasking([own, next])
    const [first, second] = await tasking.dispatchBatch([batchEntry(own), batchEntry(next)])
    await scene.startedWorker(tasking)
    expect(await second.result()).toBe('ran')
    expect(await first.load()).toMatchObject({ state: 'completed', result: 'own', error: null })
  })
})

test('an end that is not settled is told again in time, however busy the worker is', () => {
  const end = (id: string): Completion => ({ id, fencingToken: 1n, state: 'completed', result: id })
  const outbox = new Outbox()
  const unsettled = end('unsettled')
  outbox.add(unsettled)
  outbox.taken(outbox.next(0), { refused: [], unsettled: [unsettled.id] }, 0)
  for (let now = 5; now < 20; now += 5) {
    outbox.add(end(`${now}`))
    const sent = outbox.next(now)
    expect(sent).toEqual([end(`${now}`)])
    outbox.taken(sent, { refused: [], unsettled: [] }, now)
  }
  expect(outbox.next(20)).toEqual([unsettled])
})
