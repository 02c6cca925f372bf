import { systemClock } from './clock.ts'
import type { Clock } from './clock.ts'
import {
  ResourcesBusyError,
  TaskCanceledError,
  TaskLostError,
  TaskNotFoundError,
  TaskStateError,
  WorkerMissingError,
} from './errors.ts'
import type { Explanation, Line, LineFilter, LineSummary } from './explanation.ts'
import { MemoryLines } from './memory-lines.ts'
import { blockersOf, reservationsOf } from './reservation.ts'
import type { Resources } from './resource.ts'
import type { Signal, SignalSource } from './signal.ts'
import { isFinal, nextState } from './state-machine.ts'
import type { TaskEvent, TaskState } from './state-machine.ts'
import type {
  Beat,
  Completion,
  DispatchTarget,
  HousekeepingReport,
  OwnCompletion,
  Store,
  TaskFilter,
  Turn,
  TurnResult,
  WorkerRecord,
  WorkerRegistration,
} from './store.ts'
import type { ClaimedTask, DispatchedTask, NewTask, Task, TaskError, TaskId } from './task.ts'
import { replacedBy, skippedFor, skippedForTwin } from './skip.ts'
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
  #tasks = new Map<TaskId, MemoryTask>()
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
    // All or none: one that fails takes back what came before it.
    const mayFail = tasks.some(({ ifBlocked }) => ifBlocked === 'fail')
    const before = mayFail && new Map([...this.#tasks].map(([id, task]) => [id, { ...task }]))
    let taken: DispatchedTask[]
    try {
      taken = tasks.map((task, index) => this.#takeIn(task, index))
    } catch (error) {
      if (before) this.#tasks = before
      throw error
    }
    for (const queue of new Set(tasks.map((task) => task.queue))) {
      this.#emit({ kind: 'wakeup', queue })
    }
    return taken
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
    return { claimed, refused, unsettled: [], canceling, looks: [], unblocked }
  }

  /** There is no transaction here: the task is completed at once. */
  async complete({ id, workerId, fencingToken, result }: OwnCompletion): Promise<void> {
    const task = this.#tasks.get(id)
    if (task === undefined || !isOwned(task, workerId, fencingToken)) throw new TaskLostError(id)
    if (task.state === 'canceling') throw new TaskCanceledError(id, task.cancelReason)
    this.#transition(task, 'complete')
    task.result = result
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
            reservationsOf(task.resources).some((one) => one.resource === resource)) &&
          (end === undefined || task.position < end),
      )
      .toReversed()
      .slice(0, limit)
      .map((task) => ({ ...task }))
  }

  async explain(id: TaskId): Promise<Explanation> {
    return (await this.#lines()).explain(this.#existing(id))
  }

  async resources(filter: LineFilter = {}): Promise<LineSummary[]> {
    return (await this.#lines()).resources(filter)
  }

  async line(resource: string, limit = 100): Promise<Line> {
    return (await this.#lines()).line(resource, limit)
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

  async housekeep({
    sweep = true,
  }: { readonly sweep?: boolean } = {}): Promise<HousekeepingReport> {
    const missingWorkers = [...this.#workers.values()]
      .filter((worker) => this.#isOverdue(worker))
      .map(({ id }) => id)
    let lostTasks = 0
    for (const id of missingWorkers) lostTasks += this.#lose(id, workerMissing)
    return { done: true, missingWorkers, lostTasks, unblocked: sweep ? this.#unblock() : 0 }
  }

  async close(): Promise<void> {
    this.#listeners.clear()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #lines(): Promise<MemoryLines> {
    return new MemoryLines(this.#incomplete(), await this.workers())
  }

  /** @returns the task that stands for it, as it is before the next one of its batch */
  #takeIn(asked: NewTask, index: number): DispatchedTask {
    // A repeated dispatch finds its task there.
    const known = this.#tasks.get(asked.id)
    if (known !== undefined) return dispatched(known)
    const twin = this.#twinOf(asked)
    const { ifTwin = 'return', ifBlocked = 'wait' } = asked
    if (twin !== undefined && ifTwin === 'return') return dispatched(twin)
    const task = this.#newTask(asked)
    if (twin !== undefined && ifTwin === 'skip') return this.#skip(task, skippedForTwin(twin.id))
    if (twin !== undefined) this.#replace(twin, asked.id)
    const taken = ifBlocked === 'wait' ? undefined : this.#takenFrom(task)
    if (taken !== undefined && ifBlocked === 'fail') throw new ResourcesBusyError(taken, index)
    if (taken !== undefined) return this.#skip(task, skippedFor(taken))
    if (blockersOf(task, this.#incomplete()).length === 0) task.unblockedAt = this.#clock.now()
    this.#tasks.set(task.id, task)
    return dispatched(task)
  }

  #twinOf({ name, dedupeKey }: NewTask): MemoryTask | undefined {
    if (dedupeKey === undefined) return undefined
    return this.#incomplete().find((task) => task.name === name && task.dedupeKey === dedupeKey)
  }

  #replace(twin: MemoryTask, by: TaskId): void {
    if (twin.workerId !== null) {
      twin.dedupeKey = null
      return
    }
    twin.cancelReason = replacedBy(by)
    this.#transition(twin, 'cancel')
    this.#unblock()
  }

  /** A resource that something before this task keeps it from. */
  #takenFrom(task: MemoryTask): string | undefined {
    const incomplete = this.#incomplete()
    return reservationsOf(task.resources)
      .toSorted((a, b) => (a.resource < b.resource ? -1 : 1))
      .find(({ resource }) => {
        const here = reservedAt(task, resource)
        return blockersOf({ ...task, resources: here }, incomplete).length > 0
      })?.resource
  }

  #skip(task: MemoryTask, error: TaskError): DispatchedTask {
    task.state = 'skipped'
    task.error = error
    task.finishedAt = this.#clock.now()
    this.#tasks.set(task.id, task)
    return dispatched(task)
  }

  #newTask({ ifTwin: _ifTwin, ifBlocked: _ifBlocked, ...task }: NewTask): MemoryTask {
    return {
      ...task,
      parentId: task.parentId ?? null,
      dedupeKey: task.dedupeKey ?? null,
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
    const { id, name, input, resources, queue, parentId, options } = task
    return {
      ...{ id, name, input, resources, queue, parentId, fencingToken },
      ...(options && { options }),
    }
  }

  #complete(workerId: string, completion: Completion): boolean {
    const task = this.#tasks.get(completion.id)
    if (task === undefined) return false
    const { fencingToken } = completion
    if (completion.inTransaction && task.state === 'completed') {
      return task.workerId === workerId && task.fencingToken === fencingToken
    }
    if (!isOwned(task, workerId, fencingToken)) return false
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
      // So that a late owner is told from it for good.
      task.fencingToken = ++this.#lastFencingToken
    }
    this.#unblock()
    return tasks.length
  }

  #emit(signal: Signal): void {
    for (const listener of this.#listeners) listener(signal)
  }
}

function dispatched({ id, state, unblockedAt }: MemoryTask): DispatchedTask {
  return { id, state, blocked: unblockedAt === null }
}

function isOwned(task: MemoryTask, workerId: string, fencingToken: bigint): boolean {
  return !isFinal(task.state) && task.workerId === workerId && task.fencingToken === fencingToken
}

/** The part of a task's resources that is this one. */
function reservedAt({ resources }: MemoryTask, resource: string): Resources {
  return {
    exclusive: resources.exclusive.filter((name) => name === resource),
    shared: resources.shared.filter((name) => name === resource),
    counted: resources.counted?.filter((count) => count.resource === resource) ?? [],
  }
}
