import type { MemoryTask } from './memory-task.ts'
import { longWaitMs, sumOfQueues } from './metrics.ts'
import type { Metrics, QueueMetrics } from './metrics.ts'
import type { WorkerRecord } from './worker.ts'

/** What the incomplete tasks and the workers of a store amount to. */
export function metricsOf(
  incomplete: readonly MemoryTask[],
  workers: readonly WorkerRecord[],
  now: Date,
): Metrics {
  const waiting = incomplete.filter(({ state }) => state === 'waiting')
  const since = new Map<string, number[]>()
  for (const { queue, unblockedAt } of waiting) {
    if (unblockedAt === null) continue
    since.set(queue, [...(since.get(queue) ?? []), now.getTime() - unblockedAt.getTime()])
  }
  const queues = [...since]
    .map(([queue, ages]): QueueMetrics => {
      const waitingLong = ages.filter((ms) => ms > longWaitMs).length
      return { queue, unblocked: ages.length, waitingLong, longestMs: Math.max(...ages) }
    })
    .toSorted((a, b) => (a.queue < b.queue ? -1 : 1))
  const sums = sumOfQueues(queues)
  const running = incomplete.filter(({ state }) => state === 'running' || state === 'canceling')
  const alive = workers.filter(({ alive: lives, kind }) => lives && kind === 'worker')
  return {
    ...{ queues, ...sums, running: running.length },
    parallel: running.length + sums.unblocked,
    blocked: waiting.length - sums.unblocked,
    workers: alive.length,
    slots: alive.reduce((slots, { concurrency }) => slots + concurrency, 0),
    complete: true,
  }
}
