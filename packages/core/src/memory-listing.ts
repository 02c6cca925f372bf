import type { TaskGroupFilter, TaskGroupRecord } from './group.ts'
import type { MemoryTask } from './memory-task.ts'
import type { MemoryTasks } from './memory-tasks.ts'
import { reservationsOf } from './reservation.ts'
import type { TaskFilter } from './task-store.ts'

/** The tasks that a filter lets through, newest first. @throws TaskNotFoundError */
export function listTasks(tasks: MemoryTasks, filter: TaskFilter): MemoryTask[] {
  const { limit = 100, before } = filter
  const { all } = tasks
  const end = before === undefined ? all.length : all.indexOf(tasks.existing(before))
  return all
    .slice(0, end)
    .filter((task) => isOf(filter, task))
    .toReversed()
    .slice(0, limit)
}

function isOf(filter: TaskFilter, task: MemoryTask): boolean {
  const { states, name, queue, resource, parentId, groupId, correlationId } = filter
  return (
    (states === undefined || states.includes(task.state)) &&
    (name === undefined || task.name === name) &&
    (queue === undefined || task.queue === queue) &&
    (parentId === undefined || task.parentId === parentId) &&
    (groupId === undefined || task.groupId === groupId) &&
    (correlationId === undefined || task.correlationId === correlationId) &&
    (resource === undefined ||
      reservationsOf(task.resources).some((one) => one.resource === resource))
  )
}

/** The groups that a filter lets through, newest first. */
export function listGroups(
  tasks: MemoryTasks,
  { ids, limit = 100, before }: TaskGroupFilter,
): TaskGroupRecord[] {
  const { all } = tasks.groups
  const end = before === undefined ? all.length : all.findIndex(({ id }) => id === before)
  return all
    .slice(0, Math.max(0, end))
    .filter(({ id }) => ids === undefined || ids.includes(id))
    .toReversed()
    .slice(0, limit)
    .map((group) => ({ ...group, counts: tasks.count({ groupId: group.id }) }))
}
