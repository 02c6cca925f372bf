import type { BatchEntry, BatchHandles } from './batch.ts'
import type { Clock } from './clock.ts'
import type { CreatedResource } from './creation.ts'
import type { AnyTaskDefinition } from './definition.ts'
import type { Dispatch } from './dispatch.ts'
import type { EncryptionOptions } from './encryption-key.ts'
import type { Explanation, Line, LineFilter, LineSummary } from './explanation.ts'
import type { TaskGroupFilter, TaskGroupRecord } from './group.ts'
import type { TaskGroup } from './group-handle.ts'
import type { ImmediateRunner } from './immediate.ts'
import type { JsonValue } from './json.ts'
import type { Metrics } from './metrics.ts'
import type { DispatchOptions } from './new-task.ts'
import type { ProgressReport } from './progress.ts'
import type { PurgeOptions } from './purge.ts'
import type { QueueRecord } from './queue.ts'
import type { ScheduleDefinition, Schedules } from './schedules.ts'
import type { Store } from './store.ts'
import type { ClaimedTask, Task, TaskCounts, TaskError, TaskGroupId, TaskId } from './task.ts'
import type { TaskHandle } from './task-handle.ts'
import type { DispatchTarget, TaskFilter, TaskRelation } from './task-store.ts'

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
   * its handler's signal. One that waits to be cleaned up after is canceled after that.
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
