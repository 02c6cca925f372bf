import type { JsonValue } from './json.ts'
import type { TaskError, TaskId, WorkerId } from './task.ts'

/** How a handler ended. */
export type Completion = HandlerEnd & {
  /**
   * The handler has completed its task within a transaction of its own. What that has stored
   * counts; this completion counts only if that was rolled back.
   */
  readonly inTransaction?: true
}

type HandlerEnd =
  | {
      readonly id: TaskId
      readonly fencingToken: bigint
      readonly state: 'completed'
      readonly result: JsonValue
    }
  | {
      readonly id: TaskId
      readonly fencingToken: bigint
      readonly state: 'failed' | 'canceled'
      readonly error: TaskError | null
    }
  /**
   * Its thread or process died, and it may have left something incomplete: then it waits for its
   * clean-up, if somebody can do that. Otherwise it failed, or is canceled.
   */
  | {
      readonly id: TaskId
      readonly fencingToken: bigint
      readonly state: 'orphan'
      readonly error: TaskError | null
    }
  /** It failed and is to be tried again, unless it was asked to stop. */
  | {
      readonly id: TaskId
      readonly fencingToken: bigint
      readonly state: 'retry'
      readonly error: TaskError
      readonly delayMs: number
      /**
       * Whether it keeps its places in line, so that whoever is behind goes on waiting. One of a
       * group always does, so that its finalizer waits for it.
       */
      readonly keepPlace: boolean
    }

/** A handler's wish to complete its task within a transaction of its own. */
export interface OwnCompletion {
  readonly id: TaskId
  readonly workerId: WorkerId
  readonly fencingToken: bigint
  readonly result: JsonValue
}
