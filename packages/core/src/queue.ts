/** A queue that a worker serves or that is paused. */
export interface QueueRecord {
  readonly queue: string
  /** Since when nothing is claimed from it; `null` where it isn't paused. */
  readonly pausedAt: Date | null
  /** What whoever paused it has said. */
  readonly reason: string | null
  /** How many live workers serve it. */
  readonly workers: number
}

/** What a store does with queues. */
export interface QueueStore {
  /** Nothing is claimed from the queue any more; what runs goes on. The first reason stands. */
  pauseQueue(queue: string, reason?: string): Promise<void>
  resumeQueue(queue: string): Promise<void>
  /** Those that live workers serve, and those that are paused, by name. */
  queues(): Promise<QueueRecord[]>
}
