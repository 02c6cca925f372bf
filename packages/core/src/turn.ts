import type { Completion, OwnCompletion } from './completion.ts'
import type { ReservationMode } from './resource.ts'
import type { ClaimedTask, TaskId, WorkerId } from './task.ts'
import type { DispatchTarget } from './task-store.ts'

/**
 * A released resource whose line must be looked at again, after the commit of the release: two
 * tasks that end at the same moment can each see the other's reservation as still there.
 */
export interface Look {
  readonly resource: string
  /** The strongest mode that was released there: it says who may have waited for it. */
  readonly mode: ReservationMode
  /** A dispatcher or a cancel is in flight there: look in a little while instead of at once. */
  readonly inFlight: boolean
}

/** One turn of a worker's loop: everything it has to say and to ask, in one round trip. */
export interface Turn {
  readonly workerId: WorkerId
  /** How many tasks the worker could start right now; never more, so that nothing is put back. */
  readonly slots: number
  readonly completions: readonly Completion[]
  /** What earlier turns left to look at. */
  readonly looks: readonly Look[]
  /**
   * After a turn whose answer was lost: the tasks that the worker knows of. Whatever else it owns
   * was claimed by that turn and comes (again) in `claimed`, with a new fencing token.
   */
  readonly known?: readonly TaskId[]
}

export interface TurnResult {
  readonly claimed: readonly ClaimedTask[]
  /** Completions that changed nothing, because the task isn't this worker's any more. */
  readonly refused: readonly TaskId[]
  /** Completions of tasks whose rows somebody else's transaction holds: send them again. */
  readonly unsettled: readonly TaskId[]
  /** Tasks of this worker that are asked to stop. */
  readonly canceling: readonly CancelRequest[]
  /** What a later turn must look at again. */
  readonly looks: readonly Look[]
  /** How many tasks this turn unblocked, whoever may claim them. */
  readonly unblocked: number
  /**
   * In how many milliseconds the next scheduled task is due, `null` without any. Said only by a
   * turn that had nothing to do.
   */
  readonly nextDueMs?: number | null
}

export interface CancelRequest {
  readonly id: TaskId
  readonly reason: string | null
}

/** What a store does for the loop of a worker. */
export interface TurnStore<Tx = never> {
  /** @throws WorkerMissingError when the worker isn't registered any more */
  turn(turn: Turn): Promise<TurnResult>
  /**
   * Completes a running task within its handler's own transaction: its writes and the end of the
   * task are kept together or not at all. What the task held is free once the worker's next turn
   * has told of its end.
   * @throws TaskLostError when the task isn't its own any more, TaskCanceledError when it was asked
   *   to stop; then the transaction must be rolled back
   */
  complete(completion: OwnCompletion, target: Required<DispatchTarget<Tx>>): Promise<void>
}
