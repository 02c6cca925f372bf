import type { AnyTaskDefinition } from './definition.ts'
import { InvalidOptionError } from './errors.ts'
import { parseInput } from './input.ts'
import { throughJson } from './json.ts'
import { isName } from './name.ts'
import { normalizeResources } from './resource.ts'
import type { NewTask, TaskId } from './task.ts'

/** The queue of tasks that name none. */
export const defaultQueue = 'default'

export interface DispatchOptions {
  /** Instead of the definition's. */
  readonly queue?: string
  /** Instead of the definition's. A whole number; higher goes first. */
  readonly priority?: number
  /** The task whose handler dispatches this one. */
  readonly parentId?: TaskId
}

/**
 * A task ready for the store: input checked in the form that a worker will get it, resources in
 * their normal form.
 * @throws NotJsonError, InvalidInputError, InvalidResourceError, InvalidOptionError
 */
export async function newTask(
  id: TaskId,
  definition: AnyTaskDefinition,
  input: unknown,
  options: DispatchOptions = {},
): Promise<NewTask> {
  const { name } = definition
  const stored = throughJson(input, `input of "${name}"`)
  const parsed = await parseInput(definition, stored)
  // A definition's rule takes what its own schema gives.
  const rule = definition.resources
  return {
    id,
    name,
    input: stored,
    resources: normalizeResources(typeof rule === 'function' ? rule(parsed as never) : rule),
    queue: checkedQueue(options.queue ?? definition.queue ?? defaultQueue),
    priority: checkedPriority(options.priority ?? definition.priority ?? 0),
    ...(options.parentId !== undefined && { parentId: options.parentId }),
  }
}

function checkedQueue(queue: unknown): string {
  if (isName(queue, 100)) return queue
  throw new InvalidOptionError('queue', queue, 'a queue name of 1 to 100 characters')
}

function checkedPriority(priority: unknown): number {
  if (Number.isInteger(priority) && Math.abs(Number(priority)) <= 1_000_000) return Number(priority)
  throw new InvalidOptionError('priority', priority, 'a whole number within ±1,000,000')
}
