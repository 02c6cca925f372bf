import { isFinal } from './state-machine.ts'
import type { DispatchedTask, NewTask, Task, WorkerId } from './task.ts'

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] }

/** A task in memory, with its place in all its lines. */
export type MemoryTask = Mutable<Task> & { position: bigint }

/** A task that isn't due yet, or waits and, for all that is known yet, is blocked. */
export function newMemoryTask(
  { ifTwin: _ifTwin, ifBlocked: _ifBlocked, owner: _owner, delayMs, runAt, ...task }: NewTask,
  position: bigint,
  dispatchedAt: Date,
): MemoryTask {
  const dueAt = delayMs === undefined ? runAt : later(dispatchedAt, delayMs)
  const isLater = dueAt !== undefined && dueAt > dispatchedAt
  return {
    ...{ ...task, position, dispatchedAt },
    parentId: task.parentId ?? null,
    groupId: task.groupId ?? null,
    correlationId: task.correlationId ?? null,
    dedupeKey: task.dedupeKey ?? null,
    state: isLater ? 'scheduled' : 'waiting',
    runAt: isLater ? dueAt : null,
    attempt: 1,
    endsAs: null,
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

/** So many milliseconds later. */
export function later(moment: Date, ms: number): Date {
  return new Date(moment.getTime() + ms)
}

/** Whether it stands in line: a scheduled one only if it has kept its places. */
export function isInLine({ state, unblockedAt }: Pick<Task, 'state' | 'unblockedAt'>): boolean {
  return !isFinal(state) && (state !== 'scheduled' || unblockedAt !== null)
}

/** The task as everybody else gets it: a copy that stays as it is. */
export function taskOf({
  position: _position,
  ...task
}: Task & { readonly position: bigint }): Task {
  return task
}

/** @param owner the worker that has dispatched it to run it at once */
export function dispatchedTask(task: MemoryTask, owner?: WorkerId): DispatchedTask {
  const { id, state, unblockedAt, workerId, fencingToken } = task
  const isOwn = !isFinal(state) && workerId !== null && workerId === owner
  return {
    ...{ id, state, blocked: unblockedAt === null },
    ...(isOwn && fencingToken !== null && { fencingToken }),
  }
}

/** Whether somebody has asked for that, and it is to end so but hasn't yet. */
export function isToBeCanceled({ state, endsAs }: Pick<Task, 'state' | 'endsAs'>): boolean {
  return state === 'canceling' || (state === 'waiting' && endsAs === 'canceled')
}

/** Whether this worker may still end the task, by the token of its claim. */
export function isOwned(task: MemoryTask, workerId: string, fencingToken: bigint): boolean {
  return !isFinal(task.state) && task.workerId === workerId && task.fencingToken === fencingToken
}
