import type { WorkerId } from './task.ts'
import type { Versions } from './version.ts'

/** What a worker says of itself when it starts. */
export interface WorkerRegistration {
  readonly id: WorkerId
  readonly name: string
  /** Without a sign of life for so long, the worker is missing and its tasks are given up. */
  readonly ttlMs: number
  /** How many tasks it may claim at once: none for one that runs only what it dispatches itself. */
  readonly concurrency: number
  /** Whether it leaves the housekeeping to others. Default false. */
  readonly auxiliary?: boolean
  /** In the order in which it serves them. */
  readonly queues: readonly string[]
  /** The names of the tasks it can run; others it leaves alone. */
  readonly taskNames: readonly string[]
  /** Those of them that it can clean up after. Default none. */
  readonly cleansUp?: readonly string[]
  readonly version: string
  /** What it has of the components that tasks may require. Default nothing. */
  readonly versions?: Versions
}

/** A `dispatcher` claims nothing: it runs immediate tasks of its own. */
export type WorkerKind = 'worker' | 'dispatcher'

export interface WorkerRecord extends WorkerRegistration {
  readonly kind: WorkerKind
  readonly auxiliary: boolean
  readonly startedAt: Date
  readonly lastHeartbeatAt: Date
  /** Whether its last heartbeat is younger than its TTL, by the store's clock. */
  readonly alive: boolean
  readonly runningTasks: number
}

export interface Beat {
  /** False once the worker has been declared missing: it must stop its handlers and end. */
  readonly alive: boolean
  /** How many living workers share the database, without dispatchers; polling adapts to it. */
  readonly fleet: number
  /** How many living ones share the housekeeping. */
  readonly housekeepers: number
  /** How many tasks it owns; more than it knows of were claimed by a turn whose answer was lost. */
  readonly owned: number
}

/** What a store knows of the workers, and of their signs of life. */
export interface WorkerStore {
  registerWorker(worker: WorkerRegistration): Promise<void>
  beat(id: WorkerId): Promise<Beat>
  /** Fails what the worker still holds, and forgets it. */
  unregisterWorker(id: WorkerId): Promise<void>
  workers(): Promise<WorkerRecord[]>
}

/** What a registration is for, as its concurrency says. */
export function kindOfWorker({ concurrency }: Pick<WorkerRegistration, 'concurrency'>): WorkerKind {
  return concurrency === 0 ? 'dispatcher' : 'worker'
}
