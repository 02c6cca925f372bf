import { systemClock } from './clock.ts'
import type { Clock } from './clock.ts'
import { TaskNotFoundError, TaskStateError, WorkerMissingError } from './errors.ts'
import { blockersOf } from './reservation.ts'
import type { Signal, SignalSource } from './signal.ts'
import { isFinal, nextState } from './state-machine.ts'
import type { TaskEvent, TaskState } from './state-machine.ts'
import type {
  Beat,
  Completion,
  DispatchTarget,
  HousekeepingReport,
  Store,
  TaskFilter,
  Turn,
  TurnResult,
  WorkerRecord,
  WorkerRegistration,
} from './store.ts'
import type { ClaimedTask, DispatchedTask, NewTask, Task, TaskError, TaskId } from './task.ts'
import { workerMissing, workerStopped } from './worker-loss.ts'

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] }
type MemoryTask = Mutable<Task> & { readonly position: bigint }
type MemoryWorker = WorkerRegistration & { readonly startedAt: Date; lastHeartbeatAt: Date }

/**
 * A store in this process's memory: the executable specification of what a store must do, and a
 * quick store for tests. Whatever it holds is gone with the process.
 */
export class MemoryStore implements Store<never> {
  readonly #clock: Clock
  readonly #tasks = new Map<TaskId, MemoryTask>()
  readonly #workers = new Map<string, MemoryWorker>()
  readonly #listeners = new Set<(signal: Signal) => void>()
  #lastPosition = 0n
  #lastFencingToken = 0n

  readonly signals: SignalSource = {
    subscribe: async (onSignal, onConnection) => {
      this.#listeners.add(onSignal)
      onConnection(true)
      return async () => void this.#listeners.delete(onSignal)
    },
  }

  constructor({ clock = systemClock }: { readonly clock?: Clock } = {}) {
    this.#clock = clock
  }

  newId(): TaskId {
    return globalThis.crypto.randomUUID()
  }

  async check(): Promise<void> {}

  async dispatch(
    tasks: readonly NewTask[],
    _target?: DispatchTarget<never>,
  ): Promise<DispatchedTask[]> {
    for (const task of tasks) {
      // A repeated dispatch finds its task there.
      if (!this.#tasks.has(task.id)) this.#tasks.set(task.id, this.#newTask(task))
    }
    this.#unblock()
    for (const queue of new Set(tasks.map((task) => task.queue))) {
      this.#emit({ kind: 'wakeup', queue })
    }
    return tasks.map(({ id }) => {
      const { state, unblockedAt } = this.#existing(id)
      return { id, state, blocked: unblockedAt === null }
    })
  }

  async turn({ workerId, slots, completions, known }: Turn): Promise<TurnResult> {
    const worker = this.#workers.get(workerId)
    if (worker === undefined || this.#isOverdue(worker)) throw new WorkerMissingError(workerId)
    const refused = completions.filter((c) => !this.#complete(workerId, c)).map(({ id }) => id)
    const unblocked = this.#unblock()
    const forgotten =
      known === undefined ? [] : this.#ownedBy(workerId).filter(({ id }) => !known.includes(id))
    const claimed = [
      ...forgotten.map((task) => this.#handOver(task)),
      ...this.#claimable(worker)
        .slice(0, Math.max(0, slots - forgotten.length))
        .map((task) => this.#claim(task, workerId)),
    ]
    const canceling = this.#ownedBy(workerId)
      .filter(({ state }) => state === 'canceling')
      .map(({ id, cancelReason }) => ({ id, reason: cancelReason }))
    return { claimed, refused, canceling, looks: [], unblocked }
  }

  async cancel(id: TaskId, reason?: string): Promise<Task> {
    const task = this.#existing(id)
    const before = task.state
    const state = nextState(before, 'cancel')
    if (state === undefined) throw new TaskStateError(id, before, 'canceled')
    if (before !== 'canceling') task.cancelReason = reason ?? null
    this.#transition(task, 'cancel')
    this.#unblock()
    if (state === 'canceling') this.#emit({ kind: 'cancel', taskId: id })
    return { ...task }
  }

  async find(ids: readonly TaskId[]): Promise<Task[]> {
    return ids.flatMap((id) => {
      const task = this.#tasks.get(id)
      return task === undefined ? [] : [{ ...task }]
    })
  }

  async list(filter: TaskFilter = {}): Promise<Task[]> {
    const { states, name, queue, resource, parentId, limit = 100, before } = filter
    const end = before === undefined ? undefined : this.#existing(before).position
    return [...this.#tasks.values()]
      .filter(
        (task) =>
          (states === undefined || states.includes(task.state)) &&
          (name === undefined || task.name === name) &&
          (queue === undefined || task.queue === queue) &&
          (parentId === undefined || task.parentId === parentId) &&
          (resource === undefined ||
            task.resources.exclusive.includes(resource) ||
            task.resources.shared.includes(resource)) &&
          (end === undefined || task.position < end),
      )
      .toReversed()
      .slice(0, limit)
      .map((task) => ({ ...task }))
  }

  async registerWorker(worker: WorkerRegistration): Promise<void> {
    const now = this.#clock.now()
    this.#workers.set(worker.id, { ...worker, startedAt: now, lastHeartbeatAt: now })
  }

  async beat(id: string): Promise<Beat> {
    const worker = this.#workers.get(id)
    if (worker !== undefined) worker.lastHeartbeatAt = this.#clock.now()
    const owned = this.#ownedBy(id).length
    return { alive: worker !== undefined, fleet: this.#workers.size, owned }
  }

  async unregisterWorker(id: string): Promise<void> {
    this.#lose(id, () => workerStopped)
  }

  async workers(): Promise<WorkerRecord[]> {
    return [...this.#workers.values()].map((worker) => ({
      ...worker,
      alive: !this.#isOverdue(worker),
      runningTasks: this.#ownedBy(worker.id).length,
    }))
  }

  async housekeep(): Promise<HousekeepingReport> {
    const missingWorkers = [...this.#workers.values()]
      .filter((worker) => this.#isOverdue(worker))
      .map(({ id }) => id)
    let lostTasks = 0
    for (const id of missingWorkers) lostTasks += this.#lose(id, workerMissing)
    return { done: true, missingWorkers, lostTasks, unblocked: 0 }
  }

  async close(): Promise<void> {
    this.#listeners.clear()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #newTask(task: NewTask): MemoryTask {
    return {
      ...task,
      parentId: task.parentId ?? null,
      position: ++this.#lastPosition,
      state: 'waiting',
      result: null,
      error: null,
      workerId: null,
      fencingToken: null,
      cancelReason: null,
      dispatchedAt: this.#clock.now(),
      unblockedAt: null,
      startedAt: null,
      finishedAt: null,
    }
  }

  #existing(id: TaskId): MemoryTask {
    const task = this.#tasks.get(id)
    if (task === undefined) throw new TaskNotFoundError(id)
    return task
  }

  #transition(task: MemoryTask, event: TaskEvent): TaskState {
    const state = nextState(task.state, event)
    if (state === undefined) throw new TaskStateError(task.id, task.state, event)
    task.state = state
    if (isFinal(state)) task.finishedAt = this.#clock.now()
    return state
  }

  #incomplete(): MemoryTask[] {
    return [...this.#tasks.values()].filter(({ state }) => !isFinal(state))
  }

  #ownedBy(workerId: string): MemoryTask[] {
    return this.#incomplete().filter((task) => task.workerId === workerId)
  }

  #unblock(): number {
    const incomplete = this.#incomplete()
    const free = incomplete.filter(
      (task) => task.unblockedAt === null && blockersOf(task, incomplete).length === 0,
    )
    for (const task of free) task.unblockedAt = this.#clock.now()
    return free.length
  }

  #claimable({ queues, taskNames }: MemoryWorker): MemoryTask[] {
    return this.#incomplete()
      .filter(
        ({ state, unblockedAt, queue, name }) =>
          state === 'waiting' &&
          unblockedAt !== null &&
          queues.includes(queue) &&
          taskNames.includes(name),
      )
      .toSorted(
        (a, b) =>
          queues.indexOf(a.queue) - queues.indexOf(b.queue) ||
          b.priority - a.priority ||
          (a.position < b.position ? -1 : 1),
      )
  }

  #claim(task: MemoryTask, workerId: string): ClaimedTask {
    this.#transition(task, 'claim')
    task.workerId = workerId
    task.startedAt = this.#clock.now()
    return this.#handOver(task)
  }

  #handOver(task: MemoryTask): ClaimedTask {
    const fencingToken = ++this.#lastFencingToken
    task.fencingToken = fencingToken
    const { id, name, input, resources, queue, parentId } = task
    return { id, name, input, resources, queue, parentId, fencingToken }
  }

  #complete(workerId: string, completion: Completion): boolean {
    const task = this.#tasks.get(completion.id)
    if (
      task === undefined ||
      isFinal(task.state) ||
      task.workerId !== workerId ||
      task.fencingToken !== completion.fencingToken
    ) {
      return false
    }
    const state = this.#transition(task, completion.state === 'completed' ? 'complete' : 'fail')
    if (completion.state !== 'completed') task.error = completion.error
    else if (state === 'completed') task.result = completion.result
    return true
  }

  #isOverdue({ lastHeartbeatAt, ttlMs }: MemoryWorker): boolean {
    return lastHeartbeatAt.getTime() + ttlMs < this.#clock.now().getTime()
  }

  #lose(workerId: string, reason: (workerName: string) => TaskError): number {
    const worker = this.#workers.get(workerId)
    if (worker === undefined) return 0
    this.#workers.delete(workerId)
    const tasks = this.#ownedBy(workerId)
    for (const task of tasks) {
      this.#transition(task, 'lose')
      task.error = reason(worker.name)
    }
    this.#unblock()
    return tasks.length
  }

  #emit(signal: Signal): void {
    for (const listener of this.#listeners) listener(signal)
  }
}
