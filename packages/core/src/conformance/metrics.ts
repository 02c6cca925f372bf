import type { ConformanceCase } from './index.ts'
import { HandWorker, only, same, taskOf } from './stand.ts'

export const metricsCases: readonly ConformanceCase[] = [
  {
    name: 'metrics: of an empty store',
    async run(store) {
      same(
        await store.metrics(),
        {
          ...{ queues: [], unblocked: 0, waitingLong: 0, longestMs: null, running: 0 },
          ...{ parallel: 0, blocked: 0, workers: 0, slots: 0, complete: true },
        },
        'metrics',
      )
    },
  },
  {
    name: 'metrics: what waits, blocked and not, what runs, and who could run it',
    async run(store) {
      const worker = await HandWorker.register(store, { concurrency: 3 })
      await HandWorker.register(store, { concurrency: 4 })
      const busy = { exclusive: ['r'] }
      await store.dispatch([taskOf(store, busy), taskOf(store)])
      await worker.claim(2)
      const canceled = taskOf(store)
      await store.dispatch([
        ...[taskOf(store, busy), taskOf(store, { ...busy, shared: ['s', 't'] }), canceled],
        ...[taskOf(store, { shared: ['u'] }), taskOf(store, {}, { name: 'other', priority: 3 })],
        taskOf(store, {}, { queue: 'slow', priority: -3 }),
      ])
      await store.cancel(canceled.id)
      const { queues, longestMs, ...rest } = await store.metrics()
      const named = queues.map(({ queue, unblocked, waitingLong }) => [
        ...[queue, unblocked, waitingLong],
      ])
      same(
        named,
        [
          ...[
            ['default', 2, 0],
            ['slow', 1, 0],
          ],
        ],
        'queues',
      )
      same(longestMs, Math.max(...queues.map((queue) => queue.longestMs)), 'longest')
      same(
        rest,
        {
          ...{ unblocked: 3, waitingLong: 0, running: 2, parallel: 5, blocked: 2 },
          ...{ workers: 2, slots: 7, complete: true },
        },
        'metrics',
      )
    },
  },
  {
    name: 'metrics: a task waits from when it was unblocked',
    async run(store) {
      const worker = await HandWorker.register(store)
      const [first, second] = [
        taskOf(store, { exclusive: ['r'] }),
        taskOf(store, { exclusive: ['r'] }),
      ]
      await store.dispatch([first, second])
      const task = only(await worker.claim(1))
      same((await store.metrics()).longestMs, null, 'while it is blocked')
      await worker.complete(task)
      const { longestMs, unblocked } = await store.metrics()
      same([unblocked, longestMs !== null && longestMs < 60_000], [1, true], 'when it is not')
    },
  },
]
