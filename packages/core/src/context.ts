import type { Logger } from './logger.ts'
import type { Dispatch } from './tasking.ts'
import type { ClaimedTask } from './task.ts'

/** What a handler gets beside its input. */
export interface TaskContext {
  readonly task: Pick<ClaimedTask, 'id' | 'name' | 'queue' | 'resources' | 'parentId'>
  /** Aborts when the task is to stop; its reason says why. */
  readonly signal: AbortSignal
  /**
   * Grows with every claim: another system that remembers the highest token it has seen can turn
   * away a process that was paused and whose task was given away.
   */
  readonly fencingToken: bigint
  readonly log: Logger
  /** Dispatches a child of this task. */
  readonly dispatch: Dispatch
}
