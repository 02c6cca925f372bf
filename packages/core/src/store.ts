import type { CreatedResource, CreationRecord } from './creation.ts'
import type { Explanation, Line, LineFilter, LineSummary } from './explanation.ts'
import type { GroupCancellation, NewTaskGroup, TaskGroupFilter, TaskGroupRecord } from './group.ts'
import type { JsonValue } from './json.ts'
import type { Metrics } from './metrics.ts'
import type { ProgressReport, TaskProgress } from './progress.ts'
import type { QueueRecord } from './queue.ts'
import type { ReservationMode } from './resource.ts'
import type {
  DueSchedules,
  Firing,
  FiringOutcome,
  NewSchedule,
  Schedule,
  SchedulePlan,
} from './schedule.ts'
import type { SignalSource } from './signal.ts'
import type { FinalState, TaskState } from './state-machine.ts'
import type {
  ClaimedTask,
  DispatchedTask,
  NewTask,
  Task,
  TaskCounts,
  TaskError,
  TaskGroupId,
  TaskId,
  WorkerId,
} from './task.ts'
import type { Versions } from './version.ts'

/** How a handler ended. */
export type Completion = HandlerEnd & {
  /**
   * The handler has completed its task within a transaction of its own. What that has stored
   * counts; this completion counts only if that was rolled back.
   */
  readonly inTransaction?: true
}

type HandlerEnd =
  | {
      readonly id: TaskId
      readonly fencingToken: bigint
      readonly state: 'completed'
      readonly result: JsonValue
    }
  | {
      readonly id: TaskId
      readonly fencingToken: bigint
      readonly state: 'failed' | 'canceled'
      readonly error: TaskError | null
    }
  /** It failed and is to be tried again, unless it was asked to stop. */
  | {
      readonly id: TaskId
      readonly fencingToken: bigint
      readonly state: 'retry'
      readonly error: TaskError
      readonly delayMs: number
      /**
       * Whether it keeps its places in line, so that whoever is behind goes on waiting. One of a
       * group always does, so that its finalizer waits for it.
       */
      readonly keepPlace: boolean
    }

/** A handler's wish to complete its task within a transaction of its own. */
export interface OwnCompletion {
  readonly id: TaskId
  readonly workerId: WorkerId
  readonly fencingToken: bigint
  readonly result: JsonValue
}

/**
 * A released resource whose line must be looked at again, after the commit of the release: two
 * tasks that end at the same moment can each see the other's reservation as still there.
 */
export interface Look {
  readonly resource: string
  /** The strongest mode that was released there: it says who may have waited for it. */
  readonly mode: ReservationMode
  /** A dispatcher or a cancel is in flight there: look in a little while instead of at once. */
  readonly inFlight: boolean
}

/** One turn of a worker's loop: everything it has to say and to ask, in one round trip. */
export interface Turn {
  readonly workerId: WorkerId
  /** How many tasks the worker could start right now; never more, so that nothing is put back. */
  readonly slots: number
  readonly completions: readonly Completion[]
  /** What earlier turns left to look at. */
  readonly looks: readonly Look[]
  /**
   * After a turn whose answer was lost: the tasks that the worker knows of. Whatever else it owns
   * was claimed by that turn and comes (again) in `claimed`, with a new fencing token.
   */
  readonly known?: readonly TaskId[]
}

export interface TurnResult {
  readonly claimed: readonly ClaimedTask[]
  /** Completions that changed nothing, because the task isn't this worker's any more. */
  readonly refused: readonly TaskId[]
  /** Completions of tasks whose rows somebody else's transaction holds: send them again. */
  readonly unsettled: readonly TaskId[]
  /** Tasks of this worker that are asked to stop. */
  readonly canceling: readonly CancelRequest[]
  /** What a later turn must look at again. */
  readonly looks: readonly Look[]
  /** How many tasks this turn unblocked, whoever may claim them. */
  readonly unblocked: number
  /**
   * In how many milliseconds the next scheduled task is due, `null` without any. Said only by a
   * turn that had nothing to do.
   */
  readonly nextDueMs?: number | null
}

export interface CancelRequest {
  readonly id: TaskId
  readonly reason: string | null
}

/** What a worker says of itself when it starts. */
export interface WorkerRegistration {
  readonly id: WorkerId
  readonly name: string
  /** Without a sign of life for so long, the worker is missing and its tasks are given up. */
  readonly ttlMs: number
  /** How many tasks it may claim at once: none for one that runs only what it dispatches itself. */
  readonly concurrency: number
  /** In the order in which it serves them. */
  readonly queues: readonly string[]
  /** The names of the tasks it can run; others it leaves alone. */
  readonly taskNames: readonly string[]
  readonly version: string
  /** What it has of the components that tasks may require. Default nothing. */
  readonly versions?: Versions
}

/** A `dispatcher` claims nothing: it runs immediate tasks of its own. */
export type WorkerKind = 'worker' | 'dispatcher'

export interface WorkerRecord extends WorkerRegistration {
  readonly kind: WorkerKind
  readonly startedAt: Date
  readonly lastHeartbeatAt: Date
  /** Whether its last heartbeat is younger than its TTL, by the store's clock. */
  readonly alive: boolean
  readonly runningTasks: number
}

export interface Beat {
  /** False once the worker has been declared missing: it must stop its handlers and end. */
  readonly alive: boolean
  /** How many workers share the database, without dispatchers; polling adapts to it. */
  readonly fleet: number
  /** How many tasks it owns; more than it knows of were claimed by a turn whose answer was lost. */
  readonly owned: number
}

export interface HousekeepingReport {
  /** False where another worker is at it. */
  readonly done: boolean
  readonly missingWorkers: readonly WorkerId[]
  readonly lostTasks: number
  /** Tasks whose wake-up had been lost with a process between its commit and its second look. */
  readonly unblocked: number
  /** In how many milliseconds the next scheduled task is due; `null` without any. */
  readonly nextDueMs: number | null
}

/** What came of bringing due tasks into line. */
export interface PromotionReport {
  /** So many tasks are in line now. */
  readonly promoted: number
  /** In how many milliseconds the next one is due; 0 where some are left, `null` without any. */
  readonly nextDueMs: number | null
}

export interface TaskFilter {
  readonly states?: readonly TaskState[]
  readonly name?: string
  readonly queue?: string
  readonly resource?: string
  readonly parentId?: TaskId
  readonly groupId?: TaskGroupId
  readonly correlationId?: string
  /** At most so many, newest first. Default 100. */
  readonly limit?: number
  /** Only tasks dispatched before this one: the last id of the page before. */
  readonly before?: TaskId
}

/** What tasks have in common. */
export type TaskRelation = { readonly parentId: TaskId } | { readonly groupId: TaskGroupId }

/** Which finished tasks one batch of a purge takes. */
export interface PurgeBatch {
  readonly state: FinalState
  readonly finishedBefore: Date
  readonly queue?: string
  readonly name?: string
  /** Go on after this task: the `next` of the batch before. */
  readonly after?: TaskId
  /** At most so many tasks are looked at. */
  readonly limit: number
  /** Only count them. */
  readonly dryRun?: boolean
}

export interface PurgedBatch {
  /** How many it deleted, or would have. */
  readonly tasks: number
  /** Where the next batch begins; `undefined` when this was the last. */
  readonly next: TaskId | undefined
}

export interface DispatchTarget<Tx> {
  /** Dispatch within this transaction of the caller's own; it commits or rolls back with it. */
  readonly tx?: Tx
}

/**
 * What a store must do. Each verb is atomic; all but `list`, `count` and those of groups cost no more with a longer backlog.
 * Verbs may be repeated after an error: no repetition makes a task run twice or get lost.
 * @throws StoreUnavailableError from every verb, when the store doesn't answer
 */
export interface Store<Tx = never> extends AsyncDisposable {
  /** A fresh id in the form that the store keeps best. */
  newId(): TaskId
  /** Checks that the store can be used safely: reachable, the right schema, a safe driver. */
  check(): Promise<void>
  /**
   * Takes in all tasks or none, in line in the order given. One that names its `owner` is running
   * already when nothing stands before it: the answer brings its fencing token.
   * @throws ResourcesBusyError for one with `ifBlocked: 'fail'` that would be blocked,
   *   GroupNotFoundError, GroupClosedError for one of a group that takes in nothing more
   */
  dispatch(tasks: readonly NewTask[], target?: DispatchTarget<Tx>): Promise<DispatchedTask[]>
  /** @throws WorkerMissingError when the worker isn't registered any more */
  turn(turn: Turn): Promise<TurnResult>
  /**
   * Completes a running task within its handler's own transaction: its writes and the end of the
   * task are kept together or not at all. What the task held is free once the worker's next turn
   * has told of its end.
   * @throws TaskLostError when the task isn't its own any more, TaskCanceledError when it was asked
   *   to stop; then the transaction must be rolled back
   */
  complete(completion: OwnCompletion, target: Required<DispatchTarget<Tx>>): Promise<void>
  /**
   * A task that isn't running is canceled at once, a running one is asked to stop.
   * @throws TaskNotFoundError, and TaskStateError when it is finished already
   */
  cancel(id: TaskId, reason?: string): Promise<Task>
  /** The tasks with these ids, in no order; unknown ids are left out. */
  find(ids: readonly TaskId[]): Promise<Task[]>
  /** Newest first. */
  list(filter?: TaskFilter): Promise<Task[]>
  /** How many of the tasks with one parent, or of one group, are in each state. */
  count(relation: TaskRelation): Promise<TaskCounts>
  /** Deletes a finished task. @throws TaskNotFoundError, and TaskStateError for any other */
  delete(id: TaskId): Promise<void>
  /**
   * Deletes finished tasks, or counts them: one batch, the oldest first. A task somebody else is
   * deleting right now is passed over.
   */
  purge(batch: PurgeBatch): Promise<PurgedBatch>
  /**
   * Writes how far a worker's tasks have come, over what was written before.
   * @returns the tasks that aren't this worker's any more: nothing was written of those
   */
  reportProgress(workerId: WorkerId, progress: readonly TaskProgress[]): Promise<TaskId[]>
  /** How far a task has come, in the order in which its reports were begun. */
  progress(id: TaskId): Promise<ProgressReport[]>
  /** Keeps what a handler says of something that it creates. @throws TaskLostError */
  recordCreation(record: CreationRecord): Promise<void>
  /** What a task has created, in the order in which it was named first. */
  created(id: TaskId): Promise<CreatedResource[]>
  /** Repeated, it changes nothing. */
  createGroup(group: NewTaskGroup, target?: DispatchTarget<Tx>): Promise<void>
  /**
   * Waits for dispatches into it that are under way; from then on there are none.
   * @throws GroupNotFoundError
   */
  closeGroup(id: TaskGroupId): Promise<void>
  /** Closes it and cancels what is not finished of it. @throws GroupNotFoundError */
  cancelGroup(id: TaskGroupId, reason?: string): Promise<GroupCancellation>
  /** Newest first, each with its counts. */
  groups(filter?: TaskGroupFilter): Promise<TaskGroupRecord[]>
  /** Why a task is where it is. @throws TaskNotFoundError */
  explain(id: TaskId): Promise<Explanation>
  /** The resources that have a line, the longest first. */
  resources(filter?: LineFilter): Promise<LineSummary[]>
  /** The first of a line, in order; without any there is no line. */
  line(resource: string, limit?: number): Promise<Line>
  /**
   * Makes a schedule, or changes the one of this name. With the same timing as before it stays due
   * when it was, so that setting it again and again changes nothing; a paused one stays paused.
   */
  setSchedule(schedule: NewSchedule): Promise<Schedule>
  /** All in the order of their names, or the one of this name. */
  schedules(name?: string): Promise<Schedule[]>
  /** @returns whether there was one; its tasks stay */
  removeSchedule(name: string): Promise<boolean>
  /** @returns whether it counts: false where the schedule has changed meanwhile, or is gone */
  planSchedule(plan: SchedulePlan): Promise<boolean>
  /** What is due by the store's clock and not paused. @param limit at most so many; default 100 */
  dueSchedules(limit?: number): Promise<DueSchedules>
  /**
   * Dispatches the task of a schedule and says when it is due next, at once or not at all. Never
   * while the task that it dispatched last is unfinished.
   */
  fireSchedule(firing: Firing): Promise<FiringOutcome>
  registerWorker(worker: WorkerRegistration): Promise<void>
  beat(id: WorkerId): Promise<Beat>
  /** Fails what the worker still holds, and forgets it. */
  unregisterWorker(id: WorkerId): Promise<void>
  workers(): Promise<WorkerRecord[]>
  /** Nothing is claimed from the queue any more; what runs goes on. The first reason stands. */
  pauseQueue(queue: string, reason?: string): Promise<void>
  resumeQueue(queue: string): Promise<void>
  /** Those that live workers serve, and those that are paused, by name. */
  queues(): Promise<QueueRecord[]>
  /** How much there is to do and is being done. It costs little, however much that is. */
  metrics(): Promise<Metrics>
  /**
   * What some worker does now and then for all; only one at a time gets through.
   * @param sweep whether to look for lost wake-ups too, which costs more the more lines there are
   */
  housekeep(options?: { readonly sweep?: boolean }): Promise<HousekeepingReport>
  /**
   * Puts the scheduled tasks that are due in line, as a dispatch at this moment would, in the order
   * in which they came due. A task whose line a dispatcher is at is left for a little while.
   */
  promote(): Promise<PromotionReport>
  /** Hints that save polling; `undefined` where there is no connection to listen on. */
  readonly signals: SignalSource | undefined
  close(): Promise<void>
}
