/** From when on a task that could run counts as waiting for long, in milliseconds. */
export const longWaitMs = 5_000

/** The tasks of one queue that could run at once, had they a worker. */
export interface QueueMetrics {
  readonly queue: string
  readonly unblocked: number
  /** How many of them have been unblocked for longer than 5 s. */
  readonly waitingLong: number
  /** For how long the first of them has been unblocked, in milliseconds. */
  readonly longestMs: number
}

/** How much there is to do, and how much is being done. */
export interface Metrics {
  /** Those that have an unblocked task waiting, by name. */
  readonly queues: readonly QueueMetrics[]
  /** Waiting tasks that nothing in line stands before. */
  readonly unblocked: number
  /** How many of them have been unblocked for longer than 5 s. */
  readonly waitingLong: number
  /** For how long the first of them has been unblocked, in milliseconds; `null` for none. */
  readonly longestMs: number | null
  /** Tasks that run, or are asked to stop. */
  readonly running: number
  /** How many tasks could run at the same time: those that do, and those that are unblocked. */
  readonly parallel: number
  /** Tasks that wait behind others. */
  readonly blocked: number
  /** Workers with a heartbeat in time. */
  readonly workers: number
  /** How many tasks those can run at once. */
  readonly slots: number
  /** False where there is so much that it was counted only in part: then there is more of it. */
  readonly complete: boolean
}

/** The sums over all queues. */
export function sumOfQueues(
  queues: readonly QueueMetrics[],
): Pick<Metrics, 'unblocked' | 'waitingLong' | 'longestMs'> {
  const sum = (of: (queue: QueueMetrics) => number) => queues.reduce((n, q) => n + of(q), 0)
  return {
    unblocked: sum(({ unblocked }) => unblocked),
    waitingLong: sum(({ waitingLong }) => waitingLong),
    longestMs: queues.length === 0 ? null : Math.max(...queues.map(({ longestMs }) => longestMs)),
  }
}
