import type { AnyTaskDefinition, TaskDefinition } from '../definition.ts'
import type { ResourceRequest } from '../resource.ts'
import { normalizeResources } from '../resource.ts'
import type { Task } from '../task.ts'
import type { Tasking } from '../tasking.ts'

/** Some of an input: what is left out may be anything. */
export type PartOf<Value> = Value extends readonly (infer Item)[]
  ? readonly PartOf<Item>[]
  : Value extends object
    ? { readonly [Key in keyof Value]?: PartOf<Value[Key]> }
    : Value

/** What a dispatched task must be like; what is left out may be anything. */
export interface Expectation<Dispatched> {
  /** Of an object the keys given must be the same, and so on within; arrays item by item. */
  readonly input?: PartOf<Dispatched>
  readonly queue?: string
  readonly priority?: number
  readonly dedupe?: string
  readonly parentId?: string
  /** All of them, as in a definition. */
  readonly resources?: ResourceRequest
  /** How many such tasks there must be. Default: one or more. */
  readonly times?: number
}

type Source = Pick<Tasking, 'list' | 'openInput'>

/** Thrown by `assertDispatched`; test runners show what stands in `actual` and `expected`. */
export class DispatchAssertionError extends Error {
  override readonly name = 'AssertionError'
  readonly actual: readonly object[]
  readonly expected: object

  constructor(message: string, actual: readonly object[], expected: object) {
    super(message)
    this.actual = actual
    this.expected = expected
  }
}

/**
 * Fails unless such a task was dispatched, be it finished by now or not.
 * @returns the tasks that fit, the oldest first
 * @throws DispatchAssertionError that shows what was dispatched instead
 */
export async function assertDispatched<Dispatched, Input, Result>(
  tasking: Source,
  definition: TaskDefinition<Dispatched, Input, Result>,
  expectation: Expectation<NoInfer<Dispatched>> = {},
): Promise<Task[]> {
  const { times, ...expected } = expectation
  const all = await tasksOf(tasking, definition)
  const fitting = all.filter((task) => fits(task, expected))
  if (times === undefined ? fitting.length > 0 : fitting.length === times) return fitting
  const wanted = times === undefined ? 'at least one' : `${times}`
  const like = Object.keys(expected).length === 0 ? '' : ` like ${textOf(expected)}`
  const head = `Expected ${wanted} dispatch of "${definition.name}"${like}, but found ${fitting.length}.`
  const actual = all.map(shown)
  const rest = all.length === 0 ? await otherNames(tasking) : actual.map(textOf).join('\n  ')
  const what = all.length === 0 ? '' : `Dispatched of "${definition.name}":\n  `
  throw new DispatchAssertionError(`${head}\n${what}${rest}`, actual, expected)
}

/** Fails if such a task was dispatched. @throws DispatchAssertionError */
export async function assertNotDispatched<Dispatched, Input, Result>(
  tasking: Source,
  definition: TaskDefinition<Dispatched, Input, Result>,
  expectation: Omit<Expectation<NoInfer<Dispatched>>, 'times'> = {},
): Promise<void> {
  await assertDispatched(tasking, definition, { ...expectation, times: 0 })
}

async function tasksOf(tasking: Source, { name }: Pick<AnyTaskDefinition, 'name'>) {
  const tasks = (await tasking.list({ name, limit: 10_000 })).toReversed()
  return Promise.all(tasks.map(async (task) => ({ ...task, input: await tasking.openInput(task) })))
}

async function otherNames(tasking: Source): Promise<string> {
  const names = new Set((await tasking.list({ limit: 1_000 })).map(({ name }) => name))
  return names.size === 0
    ? 'Nothing was dispatched at all.'
    : `Dispatched were: ${[...names].toSorted().join(', ')}.`
}

function fits(task: Task, { input, resources, dedupe, ...rest }: Expectation<unknown>): boolean {
  const others = { ...rest, ...(dedupe !== undefined && { dedupeKey: dedupe }) }
  return (
    isPart(input, task.input) &&
    isPart(others, task) &&
    (resources === undefined || textOf(normalizeResources(resources)) === textOf(task.resources))
  )
}

function isPart(part: unknown, whole: unknown): boolean {
  if (part === undefined) return true
  if (typeof part !== 'object' || part === null) return Object.is(part, whole)
  if (part instanceof Date) return part.toJSON() === whole
  if (typeof whole !== 'object' || whole === null) return false
  if (Array.isArray(part)) {
    return (
      Array.isArray(whole) &&
      whole.length === part.length &&
      part.every((item, index) => isPart(item, whole[index]))
    )
  }
  return Object.entries(part).every(([key, value]) => isPart(value, Reflect.get(whole, key)))
}

function shown({ input, queue, priority, dedupeKey, resources, state }: Task): object {
  const dedupe = dedupeKey === null ? undefined : dedupeKey
  return { input, queue, priority, dedupe, resources, state }
}

function textOf(value: object): string {
  return JSON.stringify(value)
}
