import type { MemoryTasks } from './memory-tasks.ts'
import type { PurgeBatch, PurgedBatch } from './task-store.ts'

/** Deletes or counts the finished tasks of one batch, in the order of their ids. */
export function purgeFrom(tasks: MemoryTasks, batch: PurgeBatch): PurgedBatch {
  const { state, finishedBefore, queue, name, after, limit, dryRun = false } = batch
  // The task itself may be gone by now, so its place is all there is to go on.
  const ids = tasks.all.map(({ id }) => id).toSorted()
  const looked = ids.filter((id) => after === undefined || id > after).slice(0, limit)
  const chosen = looked.filter((id) => {
    const task = tasks.existing(id)
    return (
      task.state === state &&
      task.finishedAt !== null &&
      task.finishedAt < finishedBefore &&
      (queue === undefined || task.queue === queue) &&
      (name === undefined || task.name === name)
    )
  })
  if (!dryRun) for (const id of chosen) tasks.remove(id)
  return { tasks: chosen.length, next: looked.length < limit ? undefined : looked.at(-1) }
}
