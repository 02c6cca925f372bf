import { systemClock } from '../clock.ts'
import type { Store } from '../store.ts'
import type { NewTask } from '../task.ts'
import type { ConformanceCase } from './index.ts'
import { HandWorker, idsOf, inputs, keyed, listenTo, load, only, same, taskOf } from './stand.ts'

const hourMs = 3_600_000

/** A moment that has come by the time that the store is asked. */
const soonMs = 30

/** Puts so many tasks in line, waiting for them to be due as long as the store says. */
export async function promoteAll(store: Store, tasks: number): Promise<void> {
  let left = tasks
  while (left > 0) {
    const { promoted, nextDueMs } = await store.promote()
    left -= promoted
    if (left > 0 && nextDueMs === null) throw new Error(`${left} tasks will never be due`)
    if (left > 0) await systemClock.sleep(nextDueMs ?? 0)
  }
}

/** A task at the resource `r` that isn't due yet. */
function soon(store: Store, rest: Partial<NewTask> = {}): NewTask {
  return taskOf(store, { exclusive: ['r'] }, { delayMs: soonMs, ...rest })
}

export const delayCases: readonly ConformanceCase[] = [
  {
    name: 'delays: a task is scheduled until it is due, then waits in line',
    async run(store) {
      const task = soon(store)
      same(
        await store.dispatch([task]),
        [{ id: task.id, state: 'scheduled', blocked: true }],
        'answer',
      )
      const before = await load(store, task.id)
      same([before.state, before.unblockedAt, before.attempt], ['scheduled', null, 1], 'before')
      const waitMs = (before.runAt?.getTime() ?? 0) - before.dispatchedAt.getTime()
      same(Math.abs(waitMs - soonMs) < 10_000, true, `due after ${waitMs} ms`)
      const worker = await HandWorker.register(store)
      same(await worker.claim(1), [], 'nothing to claim')
      await promoteAll(store, 1)
      const after = await load(store, task.id)
      same([after.state, after.runAt], ['waiting', before.runAt], 'after')
      same(idsOf(await worker.claim(1)), [task.id], 'claimed')
    },
  },
  {
    name: 'delays: a moment is as good as a delay, and one that has passed is none',
    async run(store) {
      const runAt = new Date(systemClock.now().getTime() + hourMs)
      const [later, now, none] = [
        taskOf(store, {}, { runAt }),
        taskOf(store, {}, { runAt: new Date(0) }),
        taskOf(store, {}, { delayMs: 0 }),
      ]
      const answers = await store.dispatch([later, now, none])
      same(
        answers.map(({ state }) => state),
        ['scheduled', 'waiting', 'waiting'],
        'states',
      )
      same((await load(store, later.id)).runAt, runAt, 'due')
      same((await load(store, now.id)).runAt, null, 'not due at any time')
      same((await store.promote()).promoted, 0, 'none is due')
    },
  },
  {
    name: 'delays: one that is not due stands in nobody’s way, and its place is behind who came before',
    async run(store) {
      await store.dispatch([soon(store, { input: 'scheduled' })])
      const [first] = await store.dispatch([taskOf(store, { exclusive: ['r'] }, { input: 'now' })])
      same(first?.blocked, false, 'not blocked by what is not due')
      await promoteAll(store, 1)
      await store.dispatch([taskOf(store, { exclusive: ['r'] }, { input: 'afterwards' })])
      const worker = await HandWorker.register(store)
      const order: unknown[] = []
      for (let n = 0; n < 3; n += 1) {
        const claimed = only(await worker.claim(5))
        order.push(claimed.input)
        await worker.complete(claimed)
      }
      same(order, ['now', 'scheduled', 'afterwards'], 'order')
      same(await store.resources(), [], 'nothing is left in line')
    },
  },
  {
    name: 'delays: those that are due together are in line in the order in which they came due',
    async run(store) {
      const [late, early] = [
        soon(store, { input: 'late', delayMs: soonMs }),
        soon(store, { input: 'early', delayMs: soonMs / 2 }),
      ]
      await store.dispatch([late, early])
      await systemClock.sleep(soonMs + 5)
      same((await store.promote()).promoted, 2, 'both at once')
      const worker = await HandWorker.register(store)
      same(inputs(await worker.claim(5)), ['early'], 'the earlier one goes first')
      same((await load(store, late.id)).unblockedAt, null, 'the later one is blocked')
    },
  },
  {
    name: 'delays: shared, counted and exclusive places are taken as by a dispatch',
    async run(store) {
      const gpu = (amount: number) => [{ resource: 'gpu', amount, capacity: 3 }]
      const delayMs = soonMs
      const tasks = [
        taskOf(store, { shared: ['r'], counted: gpu(2) }, { delayMs }),
        taskOf(store, { shared: ['r'], counted: gpu(1) }, { delayMs }),
        taskOf(store, { shared: ['r'], counted: gpu(1) }, { delayMs }),
        taskOf(store, { exclusive: ['r'] }, { delayMs }),
        taskOf(store, {}, { delayMs }),
      ]
      await store.dispatch(tasks)
      await promoteAll(store, 5)
      const found = await store.find(idsOf(tasks))
      const free = found.filter(({ unblockedAt }) => unblockedAt !== null).length
      // In which order those come that are due at one moment, nobody says.
      same((await store.line('r')).tasks.length, 4, 'in line')
      same(free >= 2, true, 'somebody goes first')
      const worker = await HandWorker.register(store)
      let done = 0
      while (done < tasks.length) {
        const claimed = await worker.claim(9)
        if (claimed.length === 0) throw new Error(`stuck after ${done}`)
        done += claimed.length
        await worker.complete(...claimed)
        await worker.turn(0)
      }
    },
  },
  {
    name: 'delays: the store says when the next one is due',
    async run(store) {
      same((await store.housekeep()).nextDueMs, null, 'none')
      await store.dispatch([taskOf(store, {}, { delayMs: hourMs }), taskOf(store)])
      const worker = await HandWorker.register(store)
      const busy = await worker.turn(1)
      same(busy.nextDueMs, undefined, 'a turn with something to do')
      const idle = await worker.turn(1)
      const { nextDueMs: promoted } = await store.promote()
      const { nextDueMs: kept } = await store.housekeep()
      for (const ms of [idle.nextDueMs, promoted, kept]) {
        same(ms !== undefined && ms !== null && ms > hourMs - 60_000 && ms <= hourMs, true, `${ms}`)
      }
    },
  },
  {
    name: 'delays: a canceled one never runs',
    async run(store) {
      const task = soon(store)
      await store.dispatch([task])
      const canceled = await store.cancel(task.id, 'no need')
      same([canceled.state, canceled.startedAt], ['canceled', null], 'at once')
      same(await store.promote(), { promoted: 0, nextDueMs: null }, 'nothing is due')
      same((await load(store, task.id)).state, 'canceled', 'for good')
    },
  },
  {
    name: 'delays: one that is not due is a twin; replacing it puts the work off',
    async run(store) {
      const [first, same1, other] = [
        keyed(store, 'return', {}, { delayMs: hourMs }),
        keyed(store, 'return', {}, { delayMs: hourMs }),
        keyed(store, 'replace', {}, { delayMs: 2 * hourMs }),
      ]
      await store.dispatch([first])
      const [twin] = await store.dispatch([same1])
      same([twin?.id, twin?.state], [first.id, 'scheduled'], 'the twin')
      await store.dispatch([other])
      same((await load(store, first.id)).state, 'canceled', 'replaced')
      same((await load(store, other.id)).state, 'scheduled', 'put off')
    },
  },
  {
    name: 'delays: who may claim one is woken when it is in line',
    async run(store) {
      const heard = await listenTo(store)
      if (heard === undefined) return
      await store.dispatch([soon(store)])
      await heard.until(({ kind }) => kind === 'due')
      await promoteAll(store, 1)
      await heard.until(({ kind }) => kind === 'wakeup')
      await heard.end()
    },
  },
]
