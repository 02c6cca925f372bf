import type { JsonValue } from './json.ts'
import type { Resources } from './resource.ts'
import type { TaskState } from './state-machine.ts'
import type { Versions } from './version.ts'

/** Names a task: a UUID, made before the dispatch so that repeating the dispatch is harmless. */
export type TaskId = string

/** Names a group of tasks: a UUID. */
export type TaskGroupId = string

/** Names a worker: a UUID of its own for each start. */
export type WorkerId = string

/** Why a task failed, or was skipped. */
export interface TaskError {
  /** The thrown error's class, such as `TypeError`. */
  readonly name: string
  readonly message: string
  /** The thrown error's own code, or one of Tasking's such as `worker_missing`. */
  readonly code?: string
  readonly stack?: string
}

/** What a dispatch has said of how its task is to run; each instead of what the definition says. */
export interface TaskOptions {
  /** How long the handler may run, in milliseconds. */
  readonly timeoutMs?: number
  /** The least versions that a worker must have of components. */
  readonly requires?: Versions
  /** The name of the schedule that has dispatched it. */
  readonly schedule?: string
  /** How it goes on when its worker is gone. Without, it fails then. */
  readonly recovery?: Recovery
}

/** What becomes of a task that was running when its worker went. */
export interface Recovery {
  /** How often it may be tried again, errors of its handler included. */
  readonly limit: number
  /** How long to wait before each time, in milliseconds; the last holds for all that follow. */
  readonly delaysMs: readonly number[]
  /** Whether it keeps its places in line meanwhile. */
  readonly keepPlace: boolean
}

/** A task as a dispatcher hands it to the store. */
export interface NewTask {
  readonly id: TaskId
  readonly name: string
  readonly input: JsonValue
  readonly resources: Resources
  readonly queue: string
  /** Higher goes first among the tasks that could start; it doesn't change a place in line. */
  readonly priority: number
  /** The task whose handler dispatched this one. */
  readonly parentId?: TaskId
  /**
   * The group that it belongs to, whose resource it shares, or takes for itself as its finalizer.
   */
  readonly groupId?: TaskGroupId
  /** What the caller recognises its work by, in logs and in lists. */
  readonly correlationId?: string
  /** At most one task of this name and this key is incomplete. */
  readonly dedupeKey?: string
  /** What becomes of this task when there is such a twin already. Default `return`. */
  readonly ifTwin?: TwinRule
  /**
   * What becomes of this task when something stands before it. Default `wait`. With `cancel` it is
   * canceled unless its `owner` can run it.
   */
  readonly ifBlocked?: BlockedRule | 'cancel'
  /**
   * The registered worker that dispatches it, and runs it at once: it is taken in as running, with
   * a fencing token, if nothing stands before it and that worker is alive.
   */
  readonly owner?: WorkerId
  /** Carried to the claim and shown as it is; left out when it is empty. */
  readonly options?: TaskOptions
  /** Not before so many milliseconds have passed since the dispatch, by the store's clock. */
  readonly delayMs?: number
  /** Not before this moment; there is no `delayMs` then. */
  readonly runAt?: Date
}

/**
 * For a task with an incomplete twin: `return` the twin instead, record this one as `skipped`, or
 * `replace` a twin that waits; one that runs goes on, and this one comes after it.
 */
export type TwinRule = 'return' | 'skip' | 'replace'

/** For a task that would be blocked: wait in line, be recorded as `skipped`, or `fail` to dispatch. */
export type BlockedRule = 'wait' | 'skip' | 'fail'

/** What the store says of a task that it has taken in. */
export interface DispatchedTask {
  /** Its own, or that of the twin that stands for it. */
  readonly id: TaskId
  readonly state: TaskState
  /** Whether it can't be claimed yet: something before it in line conflicts, or it isn't due. */
  readonly blocked: boolean
  /** Of one that runs as its `owner` has asked: it was started by this dispatch. */
  readonly fencingToken?: bigint
}

/** A task as a worker gets it. */
export interface ClaimedTask {
  readonly id: TaskId
  readonly name: string
  readonly input: JsonValue
  readonly resources: Resources
  readonly queue: string
  readonly parentId: TaskId | null
  readonly groupId: TaskGroupId | null
  readonly correlationId: string | null
  /** Grows with every claim in the store, so that a late writer can be told from the owner. */
  readonly fencingToken: bigint
  /** 1 for the first time that it is tried. */
  readonly attempt: number
  /** As it was dispatched. */
  readonly options?: TaskOptions
  /** Its handler is not to be called: only what it has left is to be cleaned up. */
  readonly orphan?: Orphan
}

/** How a task ends whose worker has gone, once what its handler has left is cleaned up. */
export interface Orphan {
  readonly endsAs: OrphanEnd
  /** Why; what ends as canceled needs none. */
  readonly error: TaskError | null
}

/** `canceled` where somebody has asked for that. */
export type OrphanEnd = 'failed' | 'canceled'

/** How many tasks there are in each state. */
export type TaskCounts = Readonly<Record<TaskState, number>>

/** The whole record of a task. Times are `null` until they have come. */
export interface Task {
  readonly id: TaskId
  readonly name: string
  readonly state: TaskState
  readonly queue: string
  readonly priority: number
  readonly input: JsonValue
  readonly resources: Resources
  readonly result: JsonValue
  /** Why it ended as it did; of one that is tried again, why the last attempt failed. */
  readonly error: TaskError | null
  readonly parentId: TaskId | null
  readonly groupId: TaskGroupId | null
  readonly correlationId: string | null
  /** Given up when another task replaced it while it ran. */
  readonly dedupeKey: string | null
  readonly workerId: WorkerId | null
  readonly fencingToken: bigint | null
  readonly cancelReason: string | null
  readonly dispatchedAt: Date
  /** When it was, or is, due: after a delay, or for its next attempt. `null` if it never waits for one. */
  readonly runAt: Date | null
  /** Of how often it is tried, from 1. While it is scheduled anew: of the attempt to come. */
  readonly attempt: number
  /**
   * How it ends once what it has left is cleaned up, or had to end without; `null` unless its
   * worker went. Until then its `error` says why.
   */
  readonly endsAs: OrphanEnd | null
  /** When nothing before it in line conflicted any more; `null` while it is blocked. */
  readonly unblockedAt: Date | null
  readonly startedAt: Date | null
  readonly finishedAt: Date | null
  /** As it was dispatched; left out when the dispatch has said nothing. */
  readonly options?: TaskOptions
}
