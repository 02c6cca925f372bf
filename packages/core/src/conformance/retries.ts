import { systemClock } from '../clock.ts'
import { groupResource } from '../group.ts'
import type { Store } from '../store.ts'
import type { ConformanceCase } from './index.ts'
import { promoteAll } from './delays.ts'
import { HandWorker, idsOf, inputs, load, only, retried, same, taskOf } from './stand.ts'

const hourMs = 3_600_000

/** Two tasks in one line, of which the first runs. */
async function lineOfTwo(store: Store, recovery?: { limit: number; keepPlace: boolean }) {
  const options = recovery && { options: { recovery: { ...recovery, delaysMs: [0, hourMs] } } }
  const [first, second] = [
    taskOf(store, { exclusive: ['r'] }, { input: 'first', ...options }),
    taskOf(store, { exclusive: ['r'] }, { input: 'second' }),
  ]
  await store.dispatch([first, second])
  const worker = await HandWorker.register(store)
  return { worker, first, second, claimed: only(await worker.claim(5)) }
}

export const retryCases: readonly ConformanceCase[] = [
  {
    name: 'retries: a task is scheduled anew, with its attempt and its last error',
    async run(store) {
      const { worker, first, claimed } = await lineOfTwo(store)
      same(claimed.attempt, 1, 'the first attempt')
      await worker.turn(0, [retried(claimed, { delayMs: hourMs })])
      const task = await load(store, first.id)
      same(
        [task.state, task.attempt, task.error?.message, task.workerId, task.startedAt],
        ['scheduled', 2, 'not yet', null, null],
        'record',
      )
      same([task.fencingToken, task.finishedAt, task.unblockedAt], [null, null, null], 'nobody’s')
      const dueMs = (task.runAt?.getTime() ?? 0) - systemClock.now().getTime()
      same(dueMs > hourMs - 60_000 && dueMs < hourMs + 60_000, true, `due in ${dueMs} ms`)
    },
  },
  {
    name: 'retries: its place in line is given up, and it comes back at the end',
    async run(store) {
      const { worker, claimed, first } = await lineOfTwo(store)
      await worker.turn(0, [retried(claimed)])
      const next = only(await worker.claim(5))
      same(next.input, 'second', 'the line has moved on')
      await promoteAll(store, 1)
      same(await worker.claim(5), [], 'behind the other one')
      await worker.complete(next)
      const again = only(await worker.claim(5))
      same([again.id, again.attempt], [first.id, 2], 'the second attempt')
      await worker.complete(again)
      const task = await load(store, first.id)
      same([task.state, task.error, task.attempt], ['completed', null, 2], 'completed')
    },
  },
  {
    name: 'retries: a place that is kept keeps those behind waiting',
    async run(store) {
      const { worker, claimed, first } = await lineOfTwo(store)
      await worker.turn(0, [retried(claimed, { keepPlace: true })])
      same(await worker.claim(5), [], 'the line waits')
      same((await store.line('r')).tasks.length, 2, 'both are in line')
      await promoteAll(store, 1)
      const again = only(await worker.claim(5))
      same([again.id, again.attempt], [first.id, 2], 'it goes first')
      await worker.complete(again)
      same(inputs(await worker.claim(5)), ['second'], 'then the other one')
    },
  },
  {
    name: 'retries: one that has kept its place gives it up when it is canceled',
    async run(store) {
      const { worker, claimed, first } = await lineOfTwo(store)
      await worker.turn(0, [retried(claimed, { keepPlace: true, delayMs: hourMs })])
      same((await store.cancel(first.id)).state, 'canceled', 'at once')
      same(inputs(await worker.claim(5)), ['second'], 'the line has moved on')
    },
  },
  {
    name: 'retries: one that was asked to stop is not tried again',
    async run(store) {
      const { worker, claimed, first } = await lineOfTwo(store)
      await store.cancel(first.id)
      await worker.turn(0, [retried(claimed, { keepPlace: true })])
      const task = await load(store, first.id)
      same([task.state, task.attempt, task.runAt], ['canceled', 1, null], 'canceled')
      same(inputs(await worker.claim(5)), ['second'], 'its place is free')
    },
  },
  {
    name: 'retries: one of a group keeps its place, so that the finalizer comes after it',
    async run(store) {
      const id = store.newId()
      await store.createGroup({ id })
      const group = groupResource(id)
      const member = taskOf(store, { shared: [group] }, { groupId: id, input: 'member' })
      const finalizer = taskOf(store, { exclusive: [group] }, { groupId: id, input: 'finalizer' })
      await store.dispatch([member, finalizer])
      const worker = await HandWorker.register(store)
      await worker.turn(0, [retried(only(await worker.claim(5)))])
      same(await worker.claim(5), [], 'the finalizer waits')
      await promoteAll(store, 1)
      same(inputs(await worker.claim(5)), ['member'], 'the member first')
    },
  },
  {
    name: 'retries: refused from whoever is not the owner',
    async run(store) {
      const { worker, claimed } = await lineOfTwo(store)
      const other = await HandWorker.register(store)
      same((await other.turn(0, [retried(claimed)])).refused, [claimed.id], 'another worker')
      const old = { ...claimed, fencingToken: claimed.fencingToken - 1n }
      same((await worker.turn(0, [retried(old)])).refused, [claimed.id], 'an old token')
      same((await worker.turn(0, [retried(claimed)])).refused, [], 'the owner')
      same((await worker.turn(0, [retried(claimed)])).refused, [claimed.id], 'twice')
      same((await load(store, claimed.id)).attempt, 2, 'once')
    },
  },
  {
    name: 'retries: beside others that end, in one turn',
    async run(store) {
      await store.dispatch([
        taskOf(store, { exclusive: ['a'] }),
        taskOf(store, { exclusive: ['b'] }),
        taskOf(store, { exclusive: ['a', 'b'] }, { input: 'both' }),
      ])
      const worker = await HandWorker.register(store)
      const [a, b] = await worker.claim(2)
      if (a === undefined || b === undefined) throw new Error('two tasks')
      const done = {
        id: b.id,
        fencingToken: b.fencingToken,
        state: 'completed',
        result: 1,
      } as const
      const { refused, unsettled } = await worker.turn(0, [retried(a), done])
      same([refused, unsettled], [[], []], 'both count')
      same(inputs(await worker.claim(5)), ['both'], 'both places are free')
    },
  },
  {
    name: 'recovery: a task whose worker is gone is tried again as its dispatch has said',
    async run(store) {
      const { worker, first, claimed } = await lineOfTwo(store, { limit: 1, keepPlace: false })
      await store.unregisterWorker(worker.id)
      const task = await load(store, first.id)
      same([task.state, task.attempt, task.workerId], ['scheduled', 2, null], 'scheduled')
      same(task.error !== null, true, 'with a reason')
      const next = await HandWorker.register(store)
      same((await next.turn(0, [retried(claimed)])).refused, [claimed.id], 'not the late owner’s')
      same(inputs(await next.claim(5)), ['second'], 'the line has moved on')
    },
  },
  {
    name: 'recovery: no more often than the limit, and after the delay of its turn',
    async run(store) {
      const { worker, first } = await lineOfTwo(store, { limit: 2, keepPlace: true })
      await store.unregisterWorker(worker.id)
      await promoteAll(store, 1)
      const second = await HandWorker.register(store)
      same(idsOf(await second.claim(5)), [first.id], 'it has kept its place')
      await store.unregisterWorker(second.id)
      const task = await load(store, first.id)
      const dueMs = (task.runAt?.getTime() ?? 0) - systemClock.now().getTime()
      same([task.state, task.attempt, dueMs > hourMs / 2], ['scheduled', 3, true], 'an hour later')
    },
  },
  {
    name: 'recovery: fails once the limit is reached, and where it was asked to stop is canceled',
    async run(store) {
      const recovery = { limit: 0, delaysMs: [0], keepPlace: false }
      const [spent, asked] = [
        taskOf(store, {}, { options: { recovery } }),
        taskOf(store, {}, { options: { recovery: { ...recovery, limit: 5 } } }),
      ]
      await store.dispatch([spent, asked])
      const worker = await HandWorker.register(store)
      await worker.claim(2)
      await store.cancel(asked.id)
      await store.unregisterWorker(worker.id)
      same((await load(store, spent.id)).state, 'failed', 'spent')
      same((await load(store, asked.id)).state, 'canceled', 'asked to stop')
    },
  },
]
