import type { ConformanceCase } from './index.ts'
import { completed, failed, HandWorker, load, only, rejects, same, taskOf } from './stand.ts'

export const endingCases: readonly ConformanceCase[] = [
  {
    name: 'finish: keeps result and error',
    async run(store) {
      await store.dispatch([taskOf(store), taskOf(store)])
      const worker = await HandWorker.register(store)
      const [good, bad] = await worker.claim(2)
      if (good === undefined || bad === undefined) throw new Error('two tasks')
      const result = { synced: 10, list: ['a', null] }
      const error = { name: 'TypeError', message: 'ä"', code: 'E1', stack: 'at …' }
      await worker.turn(0, [
        { ...completed(good), state: 'completed', result },
        { ...failed(bad), state: 'failed', error },
      ])
      const [a, b] = [await load(store, good.id), await load(store, bad.id)]
      same([a.state, a.result, a.error], ['completed', result, null], 'completed')
      same([b.state, b.result, b.error], ['failed', null, error], 'failed')
      same(a.finishedAt instanceof Date && b.finishedAt instanceof Date, true, 'finished')
    },
  },
  {
    name: 'finish: refused with an old token, from another worker, or twice',
    async run(store) {
      await store.dispatch([taskOf(store)])
      const [owner, other] = [await HandWorker.register(store), await HandWorker.register(store)]
      const task = only(await owner.claim(1))
      const old = { ...task, fencingToken: task.fencingToken - 1n }
      same((await owner.complete(old)).refused, [task.id], 'old token')
      same((await other.complete(task)).refused, [task.id], 'another worker')
      same((await load(store, task.id)).state, 'running', 'nothing changed')
      same((await owner.complete(task)).refused, [], 'the owner')
      same((await owner.complete(task)).refused, [task.id], 'twice')
    },
  },
  {
    name: 'cancel: one that waits, at once',
    async run(store) {
      const task = taskOf(store, { exclusive: ['r'] })
      await store.dispatch([task])
      const canceled = await store.cancel(task.id, 'superseded')
      same([canceled.state, canceled.cancelReason], ['canceled', 'superseded'], 'canceled')
      same([canceled.startedAt, canceled.finishedAt instanceof Date], [null, true], 'times')
      await rejects(store.cancel(task.id), 'task_state_conflict')
      same((await store.dispatch([taskOf(store, { exclusive: ['r'] })]))[0]?.blocked, false, 'line')
    },
  },
  {
    name: 'cancel: one that runs is asked, and keeps its reservations until it ends',
    async run(store) {
      await store.dispatch([
        taskOf(store, { exclusive: ['r'] }),
        taskOf(store, { exclusive: ['r'] }),
      ])
      const worker = await HandWorker.register(store)
      const task = only(await worker.claim(1))
      same((await store.cancel(task.id, 'enough')).state, 'canceling', 'asked')
      same((await store.cancel(task.id, 'once more')).cancelReason, 'enough', 'the first stands')
      const { canceling, claimed } = await worker.turn(1)
      same([canceling, claimed], [[{ id: task.id, reason: 'enough' }], []], 'told, and nobody else')
      const after = await worker.turn(1, [completed(task)])
      same([after.refused, after.claimed.length, after.canceling], [[], 1, []], 'ended')
      const ended = await load(store, task.id)
      same([ended.state, ended.result], ['canceled', null], 'a late success does not count')
    },
  },
]
