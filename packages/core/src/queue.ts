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
