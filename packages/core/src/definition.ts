import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { TaskContext } from './context.ts'
import type { LeftOver } from './creation.ts'
import { milliseconds, timeoutMilliseconds } from './duration.ts'
import type { Duration } from './duration.ts'
import { InvalidOptionError } from './errors.ts'
import { isolations } from './isolation.ts'
import type { Isolation } from './isolation.ts'
import { isName } from './name.ts'
import type { ResourceRequest } from './resource.ts'
import { checkRetryPolicy } from './retry.ts'
import type { RetryPolicy } from './retry.ts'
import type { TaskError } from './task.ts'
import { checkedVersions } from './version.ts'
import type { Versions } from './version.ts'

/** Resources for all tasks of a definition, or made from a task's input. */
export type ResourceRule<Input> = ResourceRequest | ((input: Input) => ResourceRequest)

/** For a task that was running when its worker went. */
type WorkerMissingRule = 'fail' | 'retry'

/** What is said of a task, whatever goes into it and comes out. */
interface TaskTraits {
  /** Unique among the definitions of a tasking. */
  readonly name: string
  /** The queue that its tasks go to unless the dispatch says otherwise. Default `default`. */
  readonly queue?: string | undefined
  /** Higher goes first among the tasks that could start. Default 0. */
  readonly priority?: number | undefined
  /** Where the handler runs, instead of where the worker says. */
  readonly isolation?: Isolation | undefined
  /**
   * How long the handler may run, from its start, unless the dispatch says otherwise. When it is
   * over, the signal aborts and the task fails. Default: without end.
   */
  readonly timeout?: Duration | undefined
  /**
   * The least versions that a worker must have of components, unless the dispatch says otherwise,
   * such as `{ codec: '2.1' }`. A worker without them leaves its tasks alone.
   */
  readonly requires?: Versions | undefined
  /**
   * How long the handler may go on after its signal has aborted, instead of what the worker says.
   * Then a thread or a process is killed.
   */
  readonly grace?: Duration | undefined
  /** Its inputs are encrypted at rest, with the `encryption` of the tasking. Default false. */
  readonly encrypted?: boolean | undefined
  /** What becomes of a task whose handler fails or times out. Default: it fails. */
  readonly retry?: RetryPolicy | undefined
  /**
   * What becomes of a task whose worker goes missing, or is stopped, while it runs: it fails, or is
   * tried again by its `retry` policy, as often as that says. Default `fail`.
   */
  readonly ifWorkerMissing?: WorkerMissingRule | undefined
  /**
   * Its tasks are short, and run in the process that dispatches them when nothing stands before
   * them there and the tasking has been started: then they are done when `dispatch` resolves. The
   * handler has to be async, and may take 5s unless `timeout` says otherwise. Default false.
   */
  readonly immediate?: boolean | undefined
  /**
   * Whether immediate tasks that can't run at once may wait for a worker; others are canceled then.
   * Default true.
   */
  readonly deferrable?: boolean | undefined
  /** What is kept of an error, where it may hold what nobody is to see. Default: all of it. */
  readonly redactError?: ((error: TaskError) => TaskError) | undefined
}

/**
 * A kind of task: its name, what goes in, what it reserves, what it does.
 * `Dispatched` is what `dispatch` takes, `Input` what the handler gets once a schema has parsed it.
 */
export interface TaskDefinition<Dispatched, Input, Result> extends TaskTraits {
  readonly input?: StandardSchemaV1<Dispatched, Input> | undefined
  readonly resources?: ResourceRule<Input> | undefined
  run(input: Input, context: TaskContext): Result | Promise<Result>
  /**
   * Removes what the handler has created and not called complete, when it failed or was stopped. It
   * may be called again for the same: make that harmless.
   */
  readonly cleanUp?: ((leftOver: LeftOver<Input>, context: TaskContext) => unknown) | undefined
}

/** Any definition, for places that keep several. */
export interface AnyTaskDefinition extends TaskTraits {
  readonly input?: StandardSchemaV1 | undefined
  readonly resources?: ResourceRule<never> | undefined
  run(input: never, context: TaskContext): unknown
  readonly cleanUp?: ((leftOver: LeftOver<never>, context: TaskContext) => unknown) | undefined
}

/** What a definition's handler returns. */
export type ResultOf<Definition extends AnyTaskDefinition> = Awaited<ReturnType<Definition['run']>>

/**
 * Defines a task. The types of its input and result flow from here to `dispatch` and `result`.
 * With a Standard Schema as `input`, every input is checked at the dispatch and parsed again for
 * the handler; without one, annotate the handler's parameter.
 * @throws InvalidOptionError for a name that is empty or longer than 200 characters, an isolation
 *   that there isn't, a timeout or grace that is no duration, a retry that can't be followed, or
 *   `deferrable: false` without `immediate: true`
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
  const { name, isolation, timeout, grace, retry, ifWorkerMissing = 'fail' } = definition
  const { immediate = false, deferrable = true } = definition
  if (!isName(name, 200)) {
    throw new InvalidOptionError('name', name, 'a task name of 1 to 200 characters')
  }
  if (isolation !== undefined && !isolations.includes(isolation)) {
    throw new InvalidOptionError('isolation', isolation, `one of ${isolations.join(', ')}`)
  }
  if (timeout !== undefined) timeoutMilliseconds(timeout)
  if (definition.requires !== undefined) checkedVersions(definition.requires, 'requires')
  if (grace !== undefined) milliseconds(grace, 'grace')
  if (retry !== undefined) checkRetryPolicy(retry)
  if (ifWorkerMissing !== 'fail' && (ifWorkerMissing !== 'retry' || retry === undefined)) {
    const expected = 'fail, or retry together with a retry policy'
    throw new InvalidOptionError('ifWorkerMissing', ifWorkerMissing, expected)
  }
  if (!deferrable && !immediate) {
    throw new InvalidOptionError('deferrable', deferrable, 'for a task that is not immediate')
  }
  return definition
}
