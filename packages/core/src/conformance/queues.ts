import type { ConformanceCase } from './index.ts'
import { HandWorker, idsOf, load, only, same, taskOf } from './stand.ts'

export const queueCases: readonly ConformanceCase[] = [
  {
    name: 'queues: nothing is claimed from a paused one, and what runs goes on',
    async run(store) {
      const worker = await HandWorker.register(store, { queues: ['a', 'b'] })
      const [running, waiting] = [
        taskOf(store, {}, { queue: 'a' }),
        taskOf(store, {}, { queue: 'a' }),
      ]
      const other = taskOf(store, {}, { queue: 'b' })
      await store.dispatch([running])
      const task = only(await worker.claim(1))
      await store.pauseQueue('a', 'the remote is down')
      await store.dispatch([waiting, other])
      same(idsOf(await worker.claim(5)), [other.id], 'of the other queue')
      const late = await HandWorker.register(store, { queues: ['a'] })
      same(await late.claim(5), [], 'by a worker that came later')
      await store.beat(late.id)
      same(await late.claim(5), [], 'after its heartbeat')
      same((await worker.complete(task)).refused, [], 'the end of what ran')
      same((await load(store, waiting.id)).unblockedAt !== null, true, 'still unblocked')
      await store.resumeQueue('a')
      same(idsOf(await late.claim(5)), [waiting.id], 'resumed')
    },
  },
  {
    name: 'queues: served ones and paused ones are listed',
    async run(store) {
      await HandWorker.register(store, { queues: ['a', 'b'] })
      await HandWorker.register(store, { queues: ['b'] })
      await store.pauseQueue('c', 'why')
      await store.pauseQueue('c', 'again')
      await store.pauseQueue('b')
      const found = (await store.queues()).map(({ queue, pausedAt, reason, workers }) => [
        ...[queue, pausedAt instanceof Date, reason, workers],
      ])
      const wanted = [
        ['a', false, null, 1],
        ['b', true, null, 2],
        ['c', true, 'why', 0],
      ]
      same(found, wanted, 'queues')
      for (const queue of ['b', 'c', 'never paused']) await store.resumeQueue(queue)
      same(idsOfPaused(await store.queues()), [], 'resumed')
    },
  },
]

function idsOfPaused(queues: readonly { queue: string; pausedAt: Date | null }[]): string[] {
  return queues.filter(({ pausedAt }) => pausedAt !== null).map(({ queue }) => queue)
}
