import { isFinal } from './state-machine.ts'
import type { DispatchedTask, NewTask, Task } from './task.ts'

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] }

/** A task in memory, with its place in all its lines. */
export type MemoryTask = Mutable<Task> & { readonly position: bigint }

/** A task that waits and, for all that is known yet, is blocked. */
export function newMemoryTask(
  { ifTwin: _ifTwin, ifBlocked: _ifBlocked, ...task }: NewTask,
  position: bigint,
  dispatchedAt: Date,
): MemoryTask {
  return {
    ...{ ...task, position, dispatchedAt },
    parentId: task.parentId ?? null,
    groupId: task.groupId ?? null,
    correlationId: task.correlationId ?? null,
    dedupeKey: task.dedupeKey ?? null,
    state: 'waiting',
    result: null,
    error: null,
    workerId: null,
    fencingToken: null,
    cancelReason: null,
    unblockedAt: null,
    startedAt: null,
    finishedAt: null,
  }
}

/** The task as everybody else gets it: a copy that stays as it is. */
export function taskOf({
  position: _position,
  ...task
}: Task & { readonly position: bigint }): Task {
  return task
}

export function dispatchedTask({ id, state, unblockedAt }: MemoryTask): DispatchedTask {
  return { id, state, blocked: unblockedAt === null }
}

/** Whether this worker may still end the task, by the token of its claim. */
export function isOwned(task: MemoryTask, workerId: string, fencingToken: bigint): boolean {
  return !isFinal(task.state) && task.workerId === workerId && task.fencingToken === fencingToken
}
