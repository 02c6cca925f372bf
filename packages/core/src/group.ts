import { InvalidOptionError } from './errors.ts'
import type { Resources } from './resource.ts'
import { isFinal } from './state-machine.ts'
import type { TaskState } from './state-machine.ts'
import type { TaskCounts, TaskGroupId, TaskId } from './task.ts'
import type { DispatchTarget } from './task-store.ts'

/** A group of tasks, as a dispatcher hands it to the store. */
export interface NewTaskGroup {
  readonly id: TaskGroupId
  /** For people. */
  readonly description?: string
}

/** The whole record of a group. */
export interface TaskGroupRecord {
  readonly id: TaskGroupId
  readonly description: string | null
  readonly createdAt: Date
  /** Since when nothing more can be dispatched into it. */
  readonly closedAt: Date | null
  /** The task that runs after all others of the group. */
  readonly finalizerId: TaskId | null
  readonly counts: TaskCounts
}

export interface TaskGroupFilter {
  readonly ids?: readonly TaskGroupId[]
  /** At most so many, newest first. Default 100. */
  readonly limit?: number
  /** Only groups created before this one: the last id of the page before. */
  readonly before?: TaskGroupId
}

/** What came of the cancel of a group. */
export interface GroupCancellation {
  /** Tasks that did not run and were canceled at once. */
  readonly canceled: number
  /** Running ones that are asked to stop, and those that wait to be cleaned up after. */
  readonly canceling: number
}

/** What a store does with groups of tasks. */
export interface GroupStore<Tx = never> {
  /** Repeated, it changes nothing. */
  createGroup(group: NewTaskGroup, target?: DispatchTarget<Tx>): Promise<void>
  /**
   * Waits for dispatches into it that are under way; from then on there are none.
   * @throws GroupNotFoundError
   */
  closeGroup(id: TaskGroupId): Promise<void>
  /** Closes it and cancels what is not finished of it. @throws GroupNotFoundError */
  cancelGroup(id: TaskGroupId, reason?: string): Promise<GroupCancellation>
  /** Newest first, each with its counts. */
  groups(filter?: TaskGroupFilter): Promise<TaskGroupRecord[]>
}

/**
 * What the tasks of a group share, and its finalizer takes for itself: so that one starts when the
 * others have ended, by the same rules as any two tasks that conflict.
 */
export function groupResource(id: TaskGroupId): string {
  return `group:${id}`
}

/** Whether the task is its group's finalizer, whose dispatch closes the group. */
export function isFinalizer(id: TaskGroupId, { exclusive }: Resources): boolean {
  return exclusive.includes(groupResource(id))
}

/** How many of these tasks are not finished. */
export function incompleteIn(counts: TaskCounts): number {
  return Object.entries(counts)
    .filter(([state]) => !isFinal(state as TaskState))
    .reduce((sum, [, tasks]) => sum + tasks, 0)
}

/**
 * A group's id as stores write it.
 * @throws InvalidOptionError
 */
export function checkedGroupId(id: unknown): TaskGroupId {
  const isId = typeof id === 'string' && /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i.test(id)
  if (isId) return id.toLowerCase()
  throw new InvalidOptionError('group', id, "a group, or a group's id")
}
