import { systemClock } from './clock.ts'
import type { Clock } from './clock.ts'
import type { AnyTaskDefinition, TaskDefinition } from './definition.ts'
import {
  BatchEntryError,
  DuplicateTaskError,
  InvalidOptionError,
  ResourcesBusyError,
  TaskNotFoundError,
  UnknownTaskError,
} from './errors.ts'
import { Cipher } from './cipher.ts'
import type { EncryptionOptions } from './encryption-key.ts'
import { checkDeferrable, createDispatcher } from './dispatcher.ts'
import { FinishWatch } from './finish-watch.ts'
import type { CreatedResource } from './creation.ts'
import type { Explanation, Line, LineFilter, LineSummary } from './explanation.ts'
import type { Metrics } from './metrics.ts'
import { createGroupHandle } from './group-handle.ts'
import type { TaskGroup } from './group-handle.ts'
import { checkedGroupId } from './group.ts'
import type { TaskGroupFilter, TaskGroupRecord } from './group.ts'
import type { ImmediateRunner } from './immediate.ts'
import { isName } from './name.ts'
import type { ProgressReport } from './progress.ts'
import type { JsonValue } from './json.ts'
import { checkedQueue, newTask } from './new-task.ts'
import type { DispatchOptions } from './new-task.ts'
import type { QueueRecord } from './queue.ts'
import { purge } from './purge.ts'
import type { PurgeOptions } from './purge.ts'
import type { Store } from './store.ts'
import type { DispatchTarget, TaskFilter, TaskRelation } from './task-store.ts'
import { cancelTask, createTaskHandle, outcomeOf } from './task-handle.ts'
import type { DispatchedHandle, TaskHandle } from './task-handle.ts'
import type {
  ClaimedTask,
  DispatchedTask,
  Task,
  TaskCounts,
  TaskError,
  TaskGroupId,
  TaskId,
} from './task.ts'
import { createSchedules } from './schedules.ts'
import type { ScheduleDefinition, Schedules } from './schedules.ts'

// A definition whose dispatch takes nothing needs no input argument.
type InputArgument<Dispatched> = undefined extends Dispatched
  ? [input?: Dispatched]
  : [input: Dispatched]

/** Options can only follow an input, so a task without one takes `undefined` in its place. */
type DispatchArguments<Dispatched, Options> =
  | InputArgument<Dispatched>
  | [input: Dispatched, options: Options]

/** Creates a task of a definition. */
export type Dispatch<Options = DispatchOptions> = <Dispatched, Input, Result>(
  definition: TaskDefinition<Dispatched, Input, Result>,
  // Not a place to infer from: the definition alone says what goes in.
  ...args: DispatchArguments<NoInfer<Dispatched>, Options>
) => Promise<DispatchedHandle<Result>>

/** One entry of a batch; make it with `batchEntry`, which checks the input's type. */
export interface BatchEntry<Result = unknown> {
  readonly definition: AnyTaskDefinition & { run(...args: never): Result | Promise<Result> }
  readonly input?: unknown
  readonly options?: DispatchOptions
}

/** The handles of a batch, each with the type of its task's result. */
export type BatchHandles<Entries extends readonly BatchEntry[]> = {
  -readonly [Index in keyof Entries]: Entries[Index] extends BatchEntry<infer Result>
    ? DispatchedHandle<Result>
    : never
}

/** An entry for `dispatchBatch`, with the same checks at compile time as `dispatch`. */
export function batchEntry<Dispatched, Input, Result>(
  definition: TaskDefinition<Dispatched, Input, Result>,
  ...[input, options]: DispatchArguments<NoInfer<Dispatched>, DispatchOptions>
): BatchEntry<Result> {
  return { definition, input, ...(options && { options }) }
}

export interface TaskingOptions<Tx = never> {
  readonly store: Store<Tx>
  /** The definitions that this process knows by name: those its workers can run. */
  readonly tasks?: readonly AnyTaskDefinition[]
  /** What is kept of errors, where a definition doesn't say. Default: all of them. */
  readonly redactError?: (error: TaskError) => TaskError
  /** Where time comes from. Default the system's clock. */
  readonly clock?: Clock
  /** The keys for inputs that are encrypted at rest. Without them, none is. */
  readonly encryption?: EncryptionOptions
  /** Schedules that are there, as they are defined here, as soon as a worker of this tasking is. */
  readonly schedules?: readonly ScheduleDefinition[]
  /** What runs immediate tasks here after `start()`: `immediateRunner()` of `@tasking/worker`. */
  readonly immediate?: (tasking: Tasking) => ImmediateRunner
  /** Leaves immediate tasks that are deferrable to workers. Default false. */
  readonly preferDefer?: boolean
}

export interface TaskGroupOptions<Tx = never> extends DispatchTarget<Tx> {
  /** For people; at most 1,000 characters. */
  readonly description?: string
}

/** The dispatching client: creates tasks, waits for them, cancels them. */
export interface Tasking<Tx = never> extends AsyncDisposable {
  readonly store: Store<Tx>
  /** The definitions given, by name. */
  readonly definitions: ReadonlyMap<string, AnyTaskDefinition>
  readonly redactError: ((error: TaskError) => TaskError) | undefined
  /** @throws UnknownTaskError */
  definition(name: string): AnyTaskDefinition
  /**
   * Creates a task; it is safe in the store when this resolves. With `tx`, it is created within
   * the caller's own transaction and exists only if that commits.
   * An immediate task that could run here is done by then.
   * @throws InvalidInputError, InvalidResourceError, InvalidOptionError, NotJsonError,
   *   NotDeferrableError before anything is written; ResourcesBusyError with `ifBlocked: 'fail'`
   */
  readonly dispatch: Dispatch<DispatchOptions & DispatchTarget<Tx>>
  /**
   * Creates all tasks or none, in line in the order given, in one transaction.
   * @throws BatchEntryError naming the entry that can't be dispatched
   */
  dispatchBatch<const Entries extends readonly BatchEntry[]>(
    entries: Entries,
    target?: DispatchTarget<Tx>,
  ): Promise<BatchHandles<Entries>>
  /** A handle for a task dispatched earlier, perhaps by another process. */
  task(id: TaskId): TaskHandle<unknown>
  readonly schedules: Schedules
  /**
   * The input of a task as it was dispatched, decrypted where it is encrypted.
   * @throws EncryptionKeyMissingError, DecryptionError
   */
  openInput(task: Pick<ClaimedTask, 'id' | 'name' | 'input' | 'options'>): Promise<JsonValue>
  /** Whether tasks of this definition can run here: encrypted ones need a key. */
  canRun(definition: AnyTaskDefinition): boolean
  /** @throws TaskNotFoundError */
  find(id: TaskId): Promise<Task>
  /** Newest first. */
  list(filter?: TaskFilter): Promise<Task[]>
  /** What a task has created, in the order in which it was named first. */
  created(id: TaskId): Promise<CreatedResource[]>
  /** How far a task has come, in the order in which its reports were begun. */
  progress(id: TaskId): Promise<ProgressReport[]>
  /** How many children of a task, or tasks of a group, are in each state. */
  count(relation: TaskRelation): Promise<TaskCounts>
  /**
   * Creates a group: tasks that are counted, waited for and canceled together. With `tx`, it is
   * created within the caller's own transaction.
   * @throws InvalidOptionError
   */
  createGroup(options?: TaskGroupOptions<Tx>): Promise<TaskGroup<Tx>>
  /** A handle for a group created earlier, perhaps by another process. @throws InvalidOptionError */
  group(id: TaskGroupId): TaskGroup<Tx>
  /** Newest first. */
  groups(filter?: TaskGroupFilter): Promise<TaskGroupRecord[]>
  /**
   * Why a task is where it is: its place in each line, who holds each resource since when, and
   * what it really waits for.
   * @throws TaskNotFoundError
   */
  explain(id: TaskId): Promise<Explanation>
  /** The resources that have a line, the longest first. */
  resources(filter?: LineFilter): Promise<LineSummary[]>
  /** The holders and the line of a resource. @param limit at most so many tasks; default 100 */
  line(resource: string, limit?: number): Promise<Line>
  /**
   * Cancels a task from any process: one that isn't running at once, a running one by aborting
   * its handler's signal.
   * @throws TaskNotFoundError, TaskStateError
   */
  cancel(id: TaskId, reason?: string): Promise<Task>
  /** Deletes a finished task. @throws TaskNotFoundError, TaskStateError */
  delete(id: TaskId): Promise<void>
  /**
   * Deletes finished tasks in batches, each a transaction of its own.
   * @returns how many
   * @throws InvalidOptionError
   */
  purge(options: PurgeOptions): Promise<number>
  /**
   * Nothing is claimed from the queue any more, by any worker, until it is resumed; what runs goes on.
   * @throws InvalidOptionError
   */
  pauseQueue(queue: string, reason?: string): Promise<void>
  resumeQueue(queue: string): Promise<void>
  /** Those that live workers serve, and those that are paused. */
  queues(): Promise<QueueRecord[]>
  /** How much there is to do, how long it has been waiting, and how much is being done. */
  metrics(): Promise<Metrics>
  /**
   * From now on, immediate tasks that are dispatched here run here. Safe to call again. The process
   * stays alive until `stop()` or `close()`.
   * @throws InvalidOptionError without `immediate` in its options; SchemaMissingError and the like
   */
  start(): Promise<this>
  /** Waits for the immediate tasks that run here. From now on, they are left to workers. */
  stop(): Promise<void>
  /** Stops, and closes the store. */
  close(): Promise<void>
}

/**
 * Brings definitions and a store together. Two of them in one process don't meet.
 * @throws DuplicateTaskError
 */
export function createTasking<Tx>(options: TaskingOptions<Tx>): Tasking<Tx> {
  const { store, tasks = [], schedules = [], clock = systemClock, encryption } = options
  const { immediate, preferDefer = false } = options
  const definitions = new Map<string, AnyTaskDefinition>()
  for (const definition of tasks) {
    if (definitions.has(definition.name)) throw new DuplicateTaskError(definition.name)
    definitions.set(definition.name, definition)
  }
  const watch = new FinishWatch(store, clock)
  const cipher = new Cipher(encryption)

  async function prepared(definition: AnyTaskDefinition, input: unknown, asked?: DispatchOptions) {
    const task = await newTask(store.newId(), definition, input, asked)
    const subject = { task: task.name, id: task.id }
    return { ...task, input: await cipher.seal(task.input, subject, isEncrypted(definition)) }
  }

  function handleOf<Result>(asked: TaskId, dispatched: DispatchedTask | undefined) {
    const answer = dispatched ?? { id: asked, state: 'waiting', blocked: false }
    const handle = createTaskHandle<Result>(answer.id, store, watch, clock)
    return { ...handle, outcome: outcomeOf(asked, answer) }
  }

  const dispatchTask = createDispatcher({ store, definitions, preferDefer, runner: () => runner })
  const tasking: Tasking<Tx> = {
    store,
    definitions,
    redactError: options.redactError,
    definition(name) {
      const definition = definitions.get(name)
      if (definition === undefined) throw new UnknownTaskError(name, [...definitions.keys()])
      return definition
    },
    async dispatch(definition, ...[input, options]) {
      const task = await prepared(definition, input, options)
      return handleOf(task.id, await dispatchTask(definition, task, options))
    },
    async dispatchBatch<const Entries extends readonly BatchEntry[]>(
      entries: Entries,
      target?: DispatchTarget<Tx>,
    ) {
      const tasks = await Promise.all(
        entries.map(async ({ definition, input, options }, index) => {
          try {
            checkDeferrable(definition, 'it is part of a batch')
            return await prepared(definition, input, options)
          } catch (cause) {
            throw new BatchEntryError(index, cause)
          }
        }),
      )
      if (tasks.length === 0) return [] as unknown as BatchHandles<Entries>
      const dispatched = await store.dispatch(tasks, target).catch((error: unknown) => {
        throw error instanceof ResourcesBusyError ? new BatchEntryError(error.index, error) : error
      })
      // One handle per entry, in their order.
      const handles = tasks.map(({ id }, index) => handleOf(id, dispatched[index]))
      return handles as BatchHandles<Entries>
    },
    task: (id) => createTaskHandle(id, store, watch, clock),
    schedules: createSchedules(store, clock, cipher, schedules, handleOf),
    canRun: (definition) => cipher.hasKeys || !isEncrypted(definition),
    openInput: ({ id, name, input, options: own }) => {
      const { schedule } = own ?? {}
      const subject = schedule === undefined ? { task: name, id } : { task: name, schedule }
      return cipher.open(input, subject)
    },
    async find(id) {
      const [task] = await store.find([id])
      if (task === undefined) throw new TaskNotFoundError(id)
      return task
    },
    list: (filter) => store.list(filter),
    created: (id) => store.created(id),
    progress: (id) => store.progress(id),
    count: (relation) => store.count(relation),
    async createGroup({ description, ...target } = {}) {
      if (description !== undefined && !isName(description, 1_000)) {
        throw new InvalidOptionError('description', description, 'a text of 1 to 1,000 characters')
      }
      const id = store.newId()
      await store.createGroup({ id, ...(description !== undefined && { description }) }, target)
      return createGroupHandle(id, store, clock, tasking.dispatch)
    },
    group: (id) => createGroupHandle(checkedGroupId(id), store, clock, tasking.dispatch),
    groups: (filter) => store.groups(filter),
    explain: (id) => store.explain(id),
    resources: (filter) => store.resources(filter),
    line: (resource, limit) => store.line(resource, limit),
    cancel: (id, reason) => cancelTask(store, id, reason),
    delete: (id) => store.delete(id),
    pauseQueue: async (queue, reason) => store.pauseQueue(checkedQueue(queue), reason),
    resumeQueue: async (queue) => store.resumeQueue(checkedQueue(queue)),
    queues: () => store.queues(),
    metrics: () => store.metrics(),
    purge: async (options) => purge(store, clock.now(), options),
    async start() {
      if (runner === undefined) {
        const expected = 'an immediateRunner() of @tasking/worker, which start() needs'
        throw new InvalidOptionError('immediate', immediate, expected)
      }
      await runner.start()
      return tasking
    },
    stop: async () => runner?.stop(),
    async close() {
      await tasking.stop()
      watch.close()
      await store.close()
    },
    [Symbol.asyncDispose]: () => tasking.close(),
  }
  const runner = immediate?.(tasking)
  return tasking
}

function isEncrypted({ encrypted = false }: AnyTaskDefinition): boolean {
  return encrypted
}
