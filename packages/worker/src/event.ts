import type { Metrics, TaskId, TaskState } from '@tasking/core'

/** What a worker tells of itself, for logs, metrics and tests that wait. */
export type WorkerEvent =
  | { readonly kind: 'started' }
  | { readonly kind: 'claimed'; readonly taskId: TaskId; readonly taskName: string }
  /** The handler has ended; the store learns of it with the next turn. */
  | { readonly kind: 'ended'; readonly taskId: TaskId; readonly state: TaskState }
  /** The store has taken the end of the task. */
  | { readonly kind: 'finished'; readonly taskId: TaskId }
  /** The store would not: the task isn't this worker's any more. */
  | { readonly kind: 'refused'; readonly taskId: TaskId }
  /** An inline handler goes on although its grace is over; it keeps its reservations. */
  | { readonly kind: 'stuck'; readonly taskId: TaskId; readonly code: string }
  /** A handler went on although its grace was over: its thread or process is killed now. */
  | { readonly kind: 'killed'; readonly taskId: TaskId; readonly code: string }
  /** The event loop was blocked for so long, or the whole process was paused. */
  | { readonly kind: 'delayed'; readonly delayMs: number }
  /** A turn found nothing to claim although a slot was free. */
  | { readonly kind: 'idle' }
  /** How much there is to do in the whole database, as one worker has measured it for all. */
  | { readonly kind: 'measured'; readonly metrics: Metrics }
  | { readonly kind: 'unavailable'; readonly error: unknown }
  | { readonly kind: 'missing' }
  | { readonly kind: 'stopped' }
