import type { Logger } from './logger.ts'
import type { Dispatch } from './dispatch.ts'
import type { Tasking } from './tasking.ts'
import type { ProgressUpdate } from './progress.ts'
import type { ClaimedTask } from './task.ts'

/** What a handler gets beside its input. */
export interface TaskContext {
  readonly task: Pick<
    ClaimedTask,
    'id' | 'name' | 'queue' | 'resources' | 'parentId' | 'groupId' | 'correlationId'
  >
  /** Aborts when the task is to stop; its reason says why. */
  readonly signal: AbortSignal
  /**
   * Grows with every claim: another system that remembers the highest token it has seen can turn
   * away a process that was paused and whose task was given away.
   */
  readonly fencingToken: bigint
  /** 1 for the first time that this task is tried. */
  readonly attempt: number
  readonly log: Logger
  /**
   * Completes the task within a transaction of the handler's own, a handle as for `dispatch`: what
   * it wrote and the end of the task are kept together or not at all, so that the work is done
   * exactly once, even by a process that was paused while its task was given away. Commit soon, and
   * return: what the handler returns or throws afterwards counts only if that was rolled back.
   * @param result what the handler would have returned
   * @throws TaskLostError, TaskCanceledError: let them roll the transaction back; NotJsonError
   */
  complete(tx: unknown, result?: unknown): Promise<void>
  /** The tasking that runs this task, for what isn't a child's dispatch: looks, cancels, purges. */
  readonly tasking: Tasking
  /**
   * Says how far the handler has come. Call it as often as you like: it is written about once a
   * second, the last one before the task ends. @throws InvalidOptionError
   */
  progress(this: void, update: ProgressUpdate): void
  /**
   * Records something that the handler is about to create, such as `version:42`, or, with
   * `complete`, that it is whole. What is not is given to the definition's `cleanUp` when the task
   * fails or is canceled. Await it before you create: then it is known whatever happens.
   * @throws TaskLostError, InvalidOptionError
   */
  created(this: void, resource: string, options?: { readonly complete?: boolean }): Promise<void>
  /** Dispatches a child of this task, under its correlation id. */
  readonly dispatch: Dispatch
}
