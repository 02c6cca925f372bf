import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { TaskContext } from './context.ts'
import { InvalidOptionError } from './errors.ts'
import { isName } from './name.ts'
import type { ResourceRequest } from './resource.ts'

/** Resources for all tasks of a definition, or made from a task's input. */
export type ResourceRule<Input> = ResourceRequest | ((input: Input) => ResourceRequest)

/**
 * A kind of task: its name, what goes in, what it reserves, what it does.
 * `Dispatched` is what `dispatch` takes, `Input` what the handler gets once a schema has parsed it.
 */
export interface TaskDefinition<Dispatched, Input, Result> {
  /** Unique among the definitions of a tasking. */
  readonly name: string
  readonly input?: StandardSchemaV1<Dispatched, Input> | undefined
  readonly resources?: ResourceRule<Input> | undefined
  /** The queue that its tasks go to unless the dispatch says otherwise. Default `default`. */
  readonly queue?: string | undefined
  /** Higher goes first among the tasks that could start. Default 0. */
  readonly priority?: number | undefined
  run(input: Input, context: TaskContext): Result | Promise<Result>
}

/** Any definition, for places that keep several. */
export interface AnyTaskDefinition {
  readonly name: string
  readonly input?: StandardSchemaV1 | undefined
  readonly resources?: ResourceRule<never> | undefined
  readonly queue?: string | undefined
  readonly priority?: number | undefined
  run(input: never, context: TaskContext): unknown
}

/** What a definition's handler returns. */
export type ResultOf<Definition extends AnyTaskDefinition> = Awaited<ReturnType<Definition['run']>>

/**
 * Defines a task. The types of its input and result flow from here to `dispatch` and `result`.
 * With a Standard Schema as `input`, every input is checked at the dispatch and parsed again for
 * the handler; without one, annotate the handler's parameter.
 * @throws InvalidOptionError for a name that is empty or longer than 200 characters
 */
export function defineTask<Schema extends StandardSchemaV1, Result>(
  definition: Omit<
    TaskDefinition<unknown, StandardSchemaV1.InferOutput<Schema>, Result>,
    'input'
  > & {
    readonly input: Schema
  },
): TaskDefinition<StandardSchemaV1.InferInput<Schema>, StandardSchemaV1.InferOutput<Schema>, Result>
export function defineTask<Input = void, Result = unknown>(
  definition: Omit<TaskDefinition<Input, Input, Result>, 'input'> & { readonly input?: undefined },
): TaskDefinition<Input, Input, Result>
export function defineTask<Definition extends AnyTaskDefinition>(
  definition: Definition,
): Definition {
  const { name } = definition
  if (!isName(name, 200)) {
    throw new InvalidOptionError('name', name, 'a task name of 1 to 200 characters')
  }
  return definition
}
