import type { MemoryTask } from './memory-task.ts'
import type { MemoryTasks } from './memory-tasks.ts'
import type { Turn, TurnResult } from './turn.ts'
import type { WorkerRegistration } from './worker.ts'

/** One turn of a worker: what it says of its tasks, and then what there is for it to run. */
export function takeTurn(
  tasks: MemoryTasks,
  worker: WorkerRegistration,
  { workerId, slots, completions, known }: Turn,
  canCleanUp: (task: MemoryTask) => boolean,
): TurnResult {
  const refused = completions
    .filter((c) => !tasks.complete(workerId, c, canCleanUp))
    .map(({ id }) => id)
  const unblocked = tasks.unblock()
  const forgotten =
    known === undefined ? [] : tasks.ownedBy(workerId).filter(({ id }) => !known.includes(id))
  const claimed = [
    ...forgotten.map((task) => tasks.handOver(task)),
    ...tasks
      .claimable(worker)
      .slice(0, Math.max(0, slots - forgotten.length))
      .map((task) => tasks.claim(task, workerId)),
  ]
  const canceling = tasks
    .ownedBy(workerId)
    .filter(({ state }) => state === 'canceling')
    .map(({ id, cancelReason }) => ({ id, reason: cancelReason }))
  const didNothing = claimed.length === 0 && completions.length === 0
  return {
    ...{ claimed, refused, unsettled: [], canceling, looks: [], unblocked },
    ...(didNothing && { nextDueMs: tasks.nextDueMs }),
  }
}
