import type { TaskId, TaskState } from '@tasking/core'

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
  /** A turn found nothing to claim although a slot was free. */
  | { readonly kind: 'idle' }
  | { readonly kind: 'unavailable'; readonly error: unknown }
  | { readonly kind: 'missing' }
  | { readonly kind: 'stopped' }
