import type { Clock } from './clock.ts'
import { milliseconds } from './duration.ts'
import type { Duration } from './duration.ts'
import {
  ResultTimeoutError,
  TaskCanceledError,
  TaskFailedError,
  TaskNotFoundError,
  TaskSkippedError,
  TaskStateError,
} from './errors.ts'
import type { CreatedResource } from './creation.ts'
import type { FinishWatch } from './finish-watch.ts'
import { storableText } from './json.ts'
import type { Jsonified } from './json.ts'
import type { ProgressReport } from './progress.ts'
import type { Store } from './store.ts'
import type { DispatchedTask, Task, TaskId } from './task.ts'

export interface ResultOptions {
  /** How long to wait. Default: for ever. */
  readonly timeout?: Duration
  /** Ends the wait, not the task. */
  readonly signal?: AbortSignal
}

/** A task as its dispatcher holds it. */
export interface TaskHandle<Result> {
  readonly id: TaskId
  /** The whole record as it is now. @throws TaskNotFoundError */
  load(): Promise<Task>
  /**
   * What the handler returned, once the task is completed.
   * @throws TaskFailedError, TaskCanceledError, TaskSkippedError when it ended otherwise,
   *   ResultTimeoutError, TaskNotFoundError when there is no such task (any more)
   */
  result(options?: ResultOptions): Promise<Jsonified<Result>>
  /** Like `result`, but resolves to the record, however the task ended. */
  finished(options?: ResultOptions): Promise<Task>
  /** What it has created, in the order in which it was named first. */
  created(): Promise<CreatedResource[]>
  /** How far it has come, in the order in which its reports were begun. */
  progress(): Promise<ProgressReport[]>
  /** From any process; a running handler's signal aborts. @throws TaskStateError when finished */
  cancel(reason?: string): Promise<Task>
}

/** What came of a dispatch. */
export type DispatchOutcome =
  /** Dispatched, with nothing before it in line. */
  | 'free'
  /** Dispatched, and in line behind something. */
  | 'blocked'
  /** Dispatched, and due later. */
  | 'scheduled'
  /** Not dispatched: the handle is for its incomplete twin. */
  | 'twin'
  /** Recorded, but not to run. */
  | 'skipped'
  /** Recorded as canceled: it is immediate and not deferrable, and could not run at once. */
  | 'canceled'

/** A task as its dispatcher holds it, with what came of the dispatch. */
export interface DispatchedHandle<Result> extends TaskHandle<Result> {
  readonly outcome: DispatchOutcome
}

/** What the store's answer to a dispatch means. */
export function outcomeOf(asked: TaskId, { id, state, blocked }: DispatchedTask): DispatchOutcome {
  if (id !== asked) return 'twin'
  if (state === 'skipped' || state === 'canceled' || state === 'scheduled') return state
  return blocked ? 'blocked' : 'free'
}

/** Cancels a task; what can't be stored of the reason is replaced. */
export function cancelTask(store: Store, id: TaskId, reason: string | undefined): Promise<Task> {
  return store.cancel(id, reason === undefined ? undefined : storableText(reason))
}

export function createTaskHandle<Result>(
  taskId: TaskId,
  store: Store,
  watch: FinishWatch,
  clock: Clock,
): TaskHandle<Result> {
  // Stores answer in small letters, whatever they were asked in.
  const id = taskId.toLowerCase()
  async function finished({ timeout, signal }: ResultOptions = {}): Promise<Task> {
    if (timeout === undefined) return watch.finished(id, signal)
    const limitMs = milliseconds(timeout, 'timeout')
    const [ended, over] = [new AbortController(), new AbortController()]
    void clock
      .sleep(limitMs, ended.signal)
      .then(() => over.abort(new ResultTimeoutError(id, limitMs)))
    try {
      return await watch.finished(id, AbortSignal.any([over.signal, ...(signal ? [signal] : [])]))
    } finally {
      ended.abort()
    }
  }
  return {
    id,
    finished,
    async load() {
      const [task] = await store.find([id])
      if (task === undefined) throw new TaskNotFoundError(id)
      return task
    },
    async result(options) {
      const task = await finished(options)
      // The store keeps JSON; the definition's author gave its type.
      if (task.state === 'completed') return task.result as Jsonified<Result>
      if (task.state === 'failed') {
        throw new TaskFailedError(
          id,
          task.error ?? { name: 'Error', message: 'no reason recorded' },
        )
      }
      if (task.state === 'canceled') throw new TaskCanceledError(id, task.cancelReason)
      if (task.state === 'skipped') {
        throw new TaskSkippedError(
          id,
          task.error ?? { name: 'Error', message: 'no reason recorded' },
        )
      }
      throw new TaskStateError(id, task.state, 'awaited')
    },
    created: () => store.created(id),
    progress: () => store.progress(id),
    cancel: (reason) => cancelTask(store, id, reason),
  }
}
