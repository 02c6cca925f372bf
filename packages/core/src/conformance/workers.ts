import type { ConformanceCase } from './index.ts'
import { HandWorker, listenTo, load, only, same, taskOf } from './stand.ts'

export const workerCases: readonly ConformanceCase[] = [
  {
    name: 'workers: registered, counted, listed, gone',
    async run(store) {
      const worker = await HandWorker.register(store, { name: 'one', queues: ['a', 'b'] })
      const other = await HandWorker.register(store)
      await store.dispatch([taskOf(store, {}, { queue: 'a' })])
      await worker.claim(1)
      const beat = await store.beat(worker.id)
      same(beat, { alive: true, fleet: 2, housekeepers: 2, owned: 1 }, 'beat')
      const record = (await store.workers()).find(({ id }) => id === worker.id)
      same([record?.name, record?.queues, record?.runningTasks], ['one', ['a', 'b'], 1], 'record')
      await store.unregisterWorker(other.id)
      await store.unregisterWorker(other.id)
      same((await store.beat(other.id)).alive, false, 'not alive')
      same((await store.workers()).length, 1, 'left')
    },
  },
  {
    name: 'workers: the auxiliary keep no house, and the missing do not count',
    async run(store) {
      const full = await HandWorker.register(store)
      const helper = await HandWorker.register(store, { auxiliary: true })
      const { fleet, housekeepers } = await store.beat(helper.id)
      same([fleet, housekeepers], [2, 1], 'with an auxiliary one')
      await HandWorker.register(store, { auxiliary: true, concurrency: 0 })
      // Overdue at once.
      await HandWorker.register(store, { ttlMs: -1 })
      await HandWorker.register(store, { ttlMs: -1 })
      const left = await store.beat(full.id)
      same([left.fleet, left.housekeepers], [2, 1], 'beside overdue ones')
      const records = await store.workers()
      same(records.filter(({ auxiliary }) => auxiliary).length, 2, 'shown')
    },
  },
  {
    name: 'workers: what one holds when it leaves is failed, and frees its resources',
    async run(store) {
      await store.dispatch([
        taskOf(store, { exclusive: ['r'] }),
        taskOf(store, { exclusive: ['r'] }),
      ])
      const [leaving, staying] = [
        await HandWorker.register(store),
        await HandWorker.register(store),
      ]
      const task = only(await leaving.claim(1))
      await store.unregisterWorker(leaving.id)
      const lost = await load(store, task.id)
      same([lost.state, lost.error !== null], ['failed', true], 'failed with a reason')
      only(await staying.claim(1))
    },
  },
  {
    name: 'workers: housekeeping leaves the living alone',
    async run(store) {
      const worker = await HandWorker.register(store)
      await store.dispatch([taskOf(store)])
      const task = only(await worker.claim(1))
      const report = await store.housekeep()
      same([report.missingWorkers, report.lostTasks], [[], 0], 'report')
      same((await load(store, task.id)).state, 'running', 'still running')
    },
  },
  {
    name: 'signals: wake-ups and cancels reach whoever listens',
    async run(store) {
      const heard = await listenTo(store)
      if (heard === undefined) return
      const task = taskOf(store)
      await store.dispatch([task])
      await heard.until((signal) => signal.kind === 'wakeup')
      const worker = await HandWorker.register(store)
      await worker.claim(1)
      await store.cancel(task.id)
      await heard.until((signal) => signal.kind === 'cancel' && signal.taskId === task.id)
      await heard.end()
    },
  },
]
