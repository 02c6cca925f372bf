import type { FinalState, TaskState } from './state-machine.ts'
import type { DispatchedTask, NewTask, Task, TaskCounts, TaskGroupId, TaskId } from './task.ts'

export interface TaskFilter {
  readonly states?: readonly TaskState[]
  readonly name?: string
  readonly queue?: string
  readonly resource?: string
  readonly parentId?: TaskId
  readonly groupId?: TaskGroupId
  readonly correlationId?: string
  /** At most so many, newest first. Default 100. */
  readonly limit?: number
  /** Only tasks dispatched before this one: the last id of the page before. */
  readonly before?: TaskId
}

/** What tasks have in common. */
export type TaskRelation = { readonly parentId: TaskId } | { readonly groupId: TaskGroupId }

/** Which finished tasks one batch of a purge takes. */
export interface PurgeBatch {
  readonly state: FinalState
  readonly finishedBefore: Date
  readonly queue?: string
  readonly name?: string
  /** Go on after this task: the `next` of the batch before. */
  readonly after?: TaskId
  /** At most so many tasks are looked at. */
  readonly limit: number
  /** Only count them. */
  readonly dryRun?: boolean
}

export interface PurgedBatch {
  /** How many it deleted, or would have. */
  readonly tasks: number
  /** Where the next batch begins; `undefined` when this was the last. */
  readonly next: TaskId | undefined
}

export interface DispatchTarget<Tx> {
  /** Dispatch within this transaction of the caller's own; it commits or rolls back with it. */
  readonly tx?: Tx
}

/** What a store does with tasks, but for what their workers do with them. */
export interface TaskStore<Tx = never> {
  /** A fresh id in the form that the store keeps best. */
  newId(): TaskId
  /**
   * Takes in all tasks or none, in line in the order given. One that names its `owner` is running
   * already when nothing stands before it: the answer brings its fencing token.
   * @throws ResourcesBusyError for one with `ifBlocked: 'fail'` that would be blocked,
   *   GroupNotFoundError, GroupClosedError for one of a group that takes in nothing more
   */
  dispatch(tasks: readonly NewTask[], target?: DispatchTarget<Tx>): Promise<DispatchedTask[]>
  /**
   * A task that isn't running is canceled at once, a running one is asked to stop. One that waits to
   * be cleaned up after is canceled after that.
   * @throws TaskNotFoundError, and TaskStateError when it is finished already
   */
  cancel(id: TaskId, reason?: string): Promise<Task>
  /** The tasks with these ids, in no order; unknown ids are left out. */
  find(ids: readonly TaskId[]): Promise<Task[]>
  /** Newest first. */
  list(filter?: TaskFilter): Promise<Task[]>
  /** How many of the tasks with one parent, or of one group, are in each state. */
  count(relation: TaskRelation): Promise<TaskCounts>
  /** Deletes a finished task. @throws TaskNotFoundError, and TaskStateError for any other */
  delete(id: TaskId): Promise<void>
  /**
   * Deletes finished tasks, or counts them: one batch, the oldest first. A task somebody else is
   * deleting right now is passed over.
   */
  purge(batch: PurgeBatch): Promise<PurgedBatch>
}
