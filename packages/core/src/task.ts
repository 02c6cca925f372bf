import type { JsonValue } from './json.ts'
import type { Resources } from './resource.ts'
import type { TaskState } from './state-machine.ts'

/** Names a task: a UUID, made before the dispatch so that repeating the dispatch is harmless. */
export type TaskId = string

/** Names a worker: a UUID of its own for each start. */
export type WorkerId = string

/** Why a task failed. */
export interface TaskError {
  /** The thrown error's class, such as `TypeError`. */
  readonly name: string
  readonly message: string
  /** The thrown error's own code, or one of Tasking's such as `worker_missing`. */
  readonly code?: string
  readonly stack?: string
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
}

/** What the store says of a task that it has taken in. */
export interface DispatchedTask {
  readonly id: TaskId
  readonly state: TaskState
  /** Whether something before it in line conflicts with it. */
  readonly blocked: boolean
}

/** A task as a worker gets it. */
export interface ClaimedTask {
  readonly id: TaskId
  readonly name: string
  readonly input: JsonValue
  readonly resources: Resources
  readonly queue: string
  readonly parentId: TaskId | null
  /** Grows with every claim in the store, so that a late writer can be told from the owner. */
  readonly fencingToken: bigint
}

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
  readonly error: TaskError | null
  readonly parentId: TaskId | null
  readonly workerId: WorkerId | null
  readonly fencingToken: bigint | null
  readonly cancelReason: string | null
  readonly dispatchedAt: Date
  /** When nothing before it in line conflicted any more; `null` while it is blocked. */
  readonly unblockedAt: Date | null
  readonly startedAt: Date | null
  readonly finishedAt: Date | null
}
