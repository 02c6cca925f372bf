import type { Clock } from './clock.ts'
import type { Task } from './task.ts'
import { satisfies } from './version.ts'
import { kindOfWorker } from './worker.ts'
import type { Beat, WorkerRecord, WorkerRegistration } from './worker.ts'

/** A worker in memory, with its heartbeat. */
export type MemoryWorker = WorkerRegistration & {
  readonly startedAt: Date
  lastHeartbeatAt: Date
}

/** The workers of a store in memory. */
export class MemoryWorkers {
  readonly #clock: Clock
  readonly #workers = new Map<string, MemoryWorker>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get #all(): MemoryWorker[] {
    return [...this.#workers.values()]
  }

  get(id: string): MemoryWorker | undefined {
    return this.#workers.get(id)
  }

  /** The one of this id, unless it is missing. */
  alive(id: string): MemoryWorker | undefined {
    const worker = this.#workers.get(id)
    return worker && this.#isOverdue(worker) ? undefined : worker
  }

  /** Those that are missing. */
  get overdue(): MemoryWorker[] {
    return this.#all.filter((worker) => this.#isOverdue(worker))
  }

  /** How many living ones claim tasks, and how many of any kind do housekeeping. */
  get strength(): Pick<Beat, 'fleet' | 'housekeepers'> {
    const alive = this.#all.filter((worker) => !this.#isOverdue(worker))
    return {
      fleet: alive.filter((worker) => kindOfWorker(worker) === 'worker').length,
      housekeepers: alive.filter(({ auxiliary = false }) => !auxiliary).length,
    }
  }

  /** @param tasksOf how many tasks a worker runs */
  records(tasksOf: (id: string) => number): WorkerRecord[] {
    return this.#all.map((worker) => ({
      ...worker,
      kind: kindOfWorker(worker),
      auxiliary: worker.auxiliary ?? false,
      alive: !this.#isOverdue(worker),
      runningTasks: tasksOf(worker.id),
    }))
  }

  register(worker: WorkerRegistration): void {
    const now = this.#clock.now()
    this.#workers.set(worker.id, { ...worker, startedAt: now, lastHeartbeatAt: now })
  }

  /** @returns whether it is registered */
  beat(id: string): boolean {
    const worker = this.#workers.get(id)
    if (worker !== undefined) worker.lastHeartbeatAt = this.#clock.now()
    return worker !== undefined
  }

  /** Whether a living one could claim the task, and its definition there cleans up. */
  canCleanUp({ queue, name, options }: Pick<Task, 'queue' | 'name' | 'options'>): boolean {
    return this.#all.some(
      (worker) =>
        !this.#isOverdue(worker) &&
        worker.queues.includes(queue) &&
        worker.taskNames.includes(name) &&
        (worker.cleansUp ?? []).includes(name) &&
        satisfies(worker.versions ?? {}, options?.requires ?? {}),
    )
  }

  remove(id: string): void {
    this.#workers.delete(id)
  }

  /** Whether its last heartbeat is older than its TTL. */
  #isOverdue({ lastHeartbeatAt, ttlMs }: MemoryWorker): boolean {
    return lastHeartbeatAt.getTime() + ttlMs < this.#clock.now().getTime()
  }
}
