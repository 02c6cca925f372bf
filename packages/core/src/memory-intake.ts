import { ResourcesBusyError } from './errors.ts'
import { resourcesUnavailable } from './immediate.ts'
import { dispatchedTask } from './memory-task.ts'
import type { MemoryTask } from './memory-task.ts'
import type { MemoryTasks } from './memory-tasks.ts'
import { blockersOf, reservationsOf } from './reservation.ts'
import { partOf } from './resource.ts'
import { replacedBy, skippedFor, skippedForTwin } from './skip.ts'
import type { DispatchedTask, NewTask, TaskId, WorkerId } from './task.ts'

/**
 * Takes one task of a batch in, as its conditions say.
 * @param isAlive whether an owner may run it at once
 * @returns the task that stands for it, as it is before the next one of its batch
 * @throws ResourcesBusyError
 */
export function takeIn(
  tasks: MemoryTasks,
  asked: NewTask,
  index: number,
  isAlive: (owner: WorkerId) => boolean,
): DispatchedTask {
  const { owner } = asked
  // A repeated dispatch finds its task there.
  const known = tasks.get(asked.id)
  if (known !== undefined) return dispatchedTask(known, owner)
  const twin = twinOf(tasks, asked)
  const { ifTwin = 'return', ifBlocked = 'wait' } = asked
  if (twin !== undefined && ifTwin === 'return') return dispatchedTask(twin)
  const task = tasks.draw(asked)
  if (twin !== undefined && ifTwin === 'skip') {
    tasks.turnAway(task, 'skipped', skippedForTwin(twin.id))
    return dispatchedTask(task)
  }
  if (twin !== undefined) replace(tasks, twin, asked.id)
  const mayWait = ifBlocked === 'wait' && owner === undefined
  const taken = mayWait ? undefined : takenFrom(tasks, task)
  const owned = taken === undefined && owner !== undefined && isAlive(owner) ? owner : undefined
  if (taken !== undefined && ifBlocked === 'fail') throw new ResourcesBusyError(taken, index)
  if (taken !== undefined && ifBlocked === 'skip') {
    tasks.turnAway(task, 'skipped', skippedFor(taken))
  } else if (owned === undefined && ifBlocked === 'cancel') {
    tasks.turnAway(task, 'canceled', resourcesUnavailable)
  } else {
    tasks.add(task)
    if (owned !== undefined) tasks.claim(task, owned)
  }
  return dispatchedTask(task, owner)
}

function twinOf(tasks: MemoryTasks, { name, dedupeKey }: NewTask): MemoryTask | undefined {
  if (dedupeKey === undefined) return undefined
  return tasks.incomplete.find((task) => task.name === name && task.dedupeKey === dedupeKey)
}

function replace(tasks: MemoryTasks, twin: MemoryTask, by: TaskId): void {
  // An orphan is as good as running: its clean-up comes first.
  if (twin.workerId !== null || twin.endsAs !== null) {
    twin.dedupeKey = null
    return
  }
  twin.cancelReason = replacedBy(by)
  tasks.transition(twin, 'cancel')
  tasks.unblock()
}

/** A resource that something before this task keeps it from. */
function takenFrom({ inLine }: MemoryTasks, task: MemoryTask): string | undefined {
  return reservationsOf(task.resources)
    .toSorted((a, b) => (a.resource < b.resource ? -1 : 1))
    .find(({ resource }) => {
      const here = partOf(task.resources, resource)
      return blockersOf({ ...task, resources: here }, inLine).length > 0
    })?.resource
}
