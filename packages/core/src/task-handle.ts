import { milliseconds } from './duration.ts'
import type { Duration } from './duration.ts'
import {
  ResultTimeoutError,
  TaskCanceledError,
  TaskFailedError,
  TaskNotFoundError,
  TaskStateError,
} from './errors.ts'
import type { FinishWatch } from './finish-watch.ts'
import type { Jsonified } from './json.ts'
import type { Store } from './store.ts'
import type { Task, TaskId } from './task.ts'

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
   * @throws TaskFailedError, TaskCanceledError when it ended otherwise, ResultTimeoutError,
   *   TaskNotFoundError when there is no such task (any more)
   */
  result(options?: ResultOptions): Promise<Jsonified<Result>>
  /** Like `result`, but resolves to the record, however the task ended. */
  finished(options?: ResultOptions): Promise<Task>
  /** From any process; a running handler's signal aborts. @throws TaskStateError when finished */
  cancel(reason?: string): Promise<Task>
}

export function createTaskHandle<Result>(
  id: TaskId,
  store: Store,
  watch: FinishWatch,
): TaskHandle<Result> {
  async function finished({ timeout, signal }: ResultOptions = {}): Promise<Task> {
    if (timeout === undefined) return watch.finished(id, signal)
    const limit = milliseconds(timeout, 'timeout')
    const timer = AbortSignal.timeout(limit)
    const either = signal ? AbortSignal.any([signal, timer]) : timer
    try {
      return await watch.finished(id, either)
    } catch (error) {
      if (timer.aborted && !signal?.aborted && error === timer.reason) {
        throw new ResultTimeoutError(id, limit)
      }
      throw error
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
      throw new TaskStateError(id, task.state, 'awaited')
    },
    cancel: (reason) => store.cancel(id, reason),
  }
}
