import { systemClock } from './clock.ts'
import type { Clock } from './clock.ts'
import type { OwnCompletion } from './completion.ts'
import type { CreatedResource, CreationRecord } from './creation.ts'
import { TaskCanceledError, TaskLostError, TaskStateError, WorkerMissingError } from './errors.ts'
import type { Explanation, Line, LineFilter, LineSummary } from './explanation.ts'
import type { GroupCancellation, NewTaskGroup, TaskGroupFilter, TaskGroupRecord } from './group.ts'
import type { HousekeepingReport, PromotionReport } from './housekeeping.ts'
import { takeIn } from './memory-intake.ts'
import { MemoryLines } from './memory-lines.ts'
import { listGroups, listTasks } from './memory-listing.ts'
import { MemoryLosses } from './memory-losses.ts'
import { metricsOf } from './memory-metrics.ts'
import { purgeFrom } from './memory-purge.ts'
import { MemoryQueues } from './memory-queues.ts'
import { MemorySchedules } from './memory-schedules.ts'
import { MemorySignals } from './memory-signals.ts'
import { isOwned, isToBeCanceled, taskOf } from './memory-task.ts'
import { MemoryTasks } from './memory-tasks.ts'
import { takeTurn } from './memory-turn.ts'
import { MemoryWorkers } from './memory-workers.ts'
import type { Metrics } from './metrics.ts'
import type { ProgressReport, TaskProgress } from './progress.ts'
import type { QueueRecord } from './queue.ts'
import type {
  DueSchedules,
  Firing,
  FiringOutcome,
  NewSchedule,
  Schedule,
  SchedulePlan,
} from './schedule.ts'
import type { SignalSource } from './signal.ts'
import { isFinal, nextState } from './state-machine.ts'
import type { Store } from './store.ts'
import type {
  DispatchedTask,
  NewTask,
  Task,
  TaskCounts,
  TaskError,
  TaskGroupId,
  TaskId,
} from './task.ts'
import type {
  DispatchTarget,
  PurgeBatch,
  PurgedBatch,
  TaskFilter,
  TaskRelation,
} from './task-store.ts'
import type { Turn, TurnResult } from './turn.ts'
import type { Beat, WorkerRecord, WorkerRegistration } from './worker.ts'
import { workerMissing, workerStopped } from './worker-loss.ts'

/**
 * A store in this process's memory: the executable specification of what a store must do, and a
 * quick store for tests. Whatever it holds is gone with the process.
 */
export class MemoryStore implements Store<never> {
  readonly #tasks: MemoryTasks
  readonly #workers: MemoryWorkers
  readonly #losses: MemoryLosses
  readonly #queues: MemoryQueues
  readonly #clock: Clock
  readonly #schedules: MemorySchedules
  readonly #signals = new MemorySignals()

  constructor({ clock = systemClock }: { readonly clock?: Clock } = {}) {
    this.#tasks = new MemoryTasks(clock)
    this.#workers = new MemoryWorkers(clock)
    this.#losses = new MemoryLosses(this.#tasks, this.#workers)
    this.#queues = new MemoryQueues(clock)
    this.#clock = clock
    this.#schedules = new MemorySchedules(clock)
  }

  get signals(): SignalSource {
    return this.#signals
  }

  newId(): TaskId {
    return globalThis.crypto.randomUUID()
  }

  async check(): Promise<void> {}

  async dispatch(
    tasks: readonly NewTask[],
    _target?: DispatchTarget<never>,
  ): Promise<DispatchedTask[]> {
    const takeAllIn = () => tasks.map((task, index) => this.#takeIn(task, index))
    // All or none: one that fails takes back what came before it.
    const mayFail = tasks.some(
      ({ ifBlocked, groupId }) => ifBlocked === 'fail' || groupId !== undefined,
    )
    const taken = mayFail ? this.#tasks.atomically(takeAllIn) : takeAllIn()
    this.#signals.wake(tasks.map(({ queue }) => queue))
    this.#signals.expect(this.#tasks.nextDueMs)
    return taken
  }

  async turn(turn: Turn): Promise<TurnResult> {
    const worker = this.#workers.alive(turn.workerId)
    if (worker === undefined) throw new WorkerMissingError(turn.workerId)
    const queues = worker.queues.filter((queue) => !this.#queues.isPaused(queue))
    const result = takeTurn(this.#tasks, { ...worker, queues }, turn, (task) =>
      this.#workers.canCleanUp(task),
    )
    // A turn that had nothing to do has told its worker.
    if (result.nextDueMs === undefined) this.#signals.expect(this.#tasks.nextDueMs)
    return result
  }

  /** There is no transaction here: the task is completed at once. */
  async complete({ id, workerId, fencingToken, result }: OwnCompletion): Promise<void> {
    const task = this.#tasks.get(id)
    if (task === undefined || !isOwned(task, workerId, fencingToken)) throw new TaskLostError(id)
    if (task.endsAs !== null) throw new TaskLostError(id)
    if (task.state === 'canceling') throw new TaskCanceledError(id, task.cancelReason)
    this.#tasks.transition(task, 'complete')
    task.result = result
    task.error = null
  }

  async cancel(id: TaskId, reason?: string): Promise<Task> {
    const task = this.#tasks.existing(id)
    const before = task.state
    if (nextState(before, 'cancel') === undefined) throw new TaskStateError(id, before, 'canceled')
    if (!isToBeCanceled(task)) task.cancelReason = reason ?? null
    const state = this.#losses.cancelOrphan(task) ?? this.#tasks.transition(task, 'cancel')
    this.#tasks.unblock()
    if (state === 'canceling') this.#signals.emit({ kind: 'cancel', taskId: id })
    return taskOf(task)
  }

  async find(ids: readonly TaskId[]): Promise<Task[]> {
    return ids.flatMap((id) => {
      const task = this.#tasks.get(id)
      return task === undefined ? [] : [taskOf(task)]
    })
  }

  async list(filter: TaskFilter = {}): Promise<Task[]> {
    return listTasks(this.#tasks, filter).map(taskOf)
  }

  async count(relation: TaskRelation): Promise<TaskCounts> {
    return this.#tasks.count(relation)
  }

  async delete(id: TaskId): Promise<void> {
    const { state } = this.#tasks.existing(id)
    if (!isFinal(state)) throw new TaskStateError(id, state, 'deleted')
    this.#tasks.remove(id)
  }

  async purge(batch: PurgeBatch): Promise<PurgedBatch> {
    return purgeFrom(this.#tasks, batch)
  }

  async reportProgress(workerId: string, progress: readonly TaskProgress[]): Promise<TaskId[]> {
    return progress.flatMap(({ id, fencingToken, reports }) => {
      const task = this.#tasks.get(id)
      // Also when it has ended by its own doing: the last report may come after that.
      if (task?.workerId !== workerId || task.fencingToken !== fencingToken) return [id]
      this.#tasks.progress.write(id, reports)
      return []
    })
  }

  async progress(id: TaskId): Promise<ProgressReport[]> {
    const task = this.#tasks.get(id)
    if (task === undefined) return []
    return this.#tasks.progress.of(id).map((report) => ({ ...report, state: task.state }))
  }

  async recordCreation(record: CreationRecord): Promise<void> {
    const task = this.#tasks.get(record.id)
    if (task === undefined || !isOwned(task, record.workerId, record.fencingToken)) {
      throw new TaskLostError(record.id)
    }
    this.#tasks.creations.record(record)
  }

  async created(id: TaskId): Promise<CreatedResource[]> {
    return this.#tasks.creations.of(id)
  }

  async createGroup(group: NewTaskGroup): Promise<void> {
    this.#tasks.groups.create(group)
  }

  async closeGroup(id: TaskGroupId): Promise<void> {
    this.#tasks.groups.close(id)
  }

  async cancelGroup(id: TaskGroupId, reason?: string): Promise<GroupCancellation> {
    this.#tasks.groups.close(id)
    const members = this.#tasks.incomplete.filter(
      (task) => task.groupId === id && !isToBeCanceled(task),
    )
    const states = await Promise.all(
      members.map(async (task) => (await this.cancel(task.id, reason)).state),
    )
    const canceled = states.filter((state) => state === 'canceled').length
    return { canceled, canceling: states.length - canceled }
  }

  async groups(filter: TaskGroupFilter = {}): Promise<TaskGroupRecord[]> {
    return listGroups(this.#tasks, filter)
  }

  async explain(id: TaskId): Promise<Explanation> {
    return (await this.#lines()).explain(this.#tasks.existing(id))
  }

  async resources(filter: LineFilter = {}): Promise<LineSummary[]> {
    return (await this.#lines()).resources(filter)
  }

  async line(resource: string, limit = 100): Promise<Line> {
    return (await this.#lines()).line(resource, limit)
  }

  async setSchedule(schedule: NewSchedule): Promise<Schedule> {
    return this.#schedules.set(schedule)
  }

  async schedules(name?: string): Promise<Schedule[]> {
    return this.#schedules.all.filter((schedule) => name === undefined || schedule.name === name)
  }

  async removeSchedule(name: string): Promise<boolean> {
    return this.#schedules.remove(name)
  }

  async planSchedule(plan: SchedulePlan): Promise<boolean> {
    return this.#schedules.plan(plan)
  }

  async dueSchedules(limit = 100): Promise<DueSchedules> {
    return this.#schedules.due(limit)
  }

  async fireSchedule(firing: Firing): Promise<FiringOutcome> {
    const outcome = this.#schedules.fire(firing, {
      isUnfinished: (id) => !isFinal(this.#tasks.get(id)?.state ?? 'completed'),
      dispatch: (task) => this.#takeIn(task, 0),
    })
    if (outcome.kind === 'fired') this.#signals.emit({ kind: 'wakeup', queue: null })
    return outcome
  }

  async registerWorker(worker: WorkerRegistration): Promise<void> {
    this.#workers.register(worker)
  }

  async beat(id: string): Promise<Beat> {
    const alive = this.#workers.beat(id)
    return { alive, ...this.#workers.strength, owned: this.#tasks.ownedBy(id).length }
  }

  async unregisterWorker(id: string): Promise<void> {
    this.#lose(id, () => workerStopped)
  }

  async workers(): Promise<WorkerRecord[]> {
    return this.#workers.records((id) => this.#tasks.ownedBy(id).length)
  }

  async pauseQueue(queue: string, reason?: string): Promise<void> {
    this.#queues.pause(queue, reason)
  }

  async resumeQueue(queue: string): Promise<void> {
    this.#queues.resume(queue)
    this.#signals.emit({ kind: 'wakeup', queue })
  }

  async queues(): Promise<QueueRecord[]> {
    return this.#queues.records(await this.workers())
  }

  async metrics(): Promise<Metrics> {
    return metricsOf(this.#tasks.incomplete, await this.workers(), this.#clock.now())
  }

  async housekeep({
    sweep = true,
  }: { readonly sweep?: boolean } = {}): Promise<HousekeepingReport> {
    const missingWorkers = this.#workers.overdue.map(({ id }) => id)
    let lostTasks = 0
    for (const id of missingWorkers) lostTasks += this.#lose(id, workerMissing)
    this.#losses.abandon()
    const unblocked = sweep ? this.#tasks.unblock() : 0
    const { nextDueMs } = this.#tasks
    return { done: true, missingWorkers, lostTasks, unblocked, nextDueMs }
  }

  async promote(): Promise<PromotionReport> {
    const promoted = this.#tasks.promote()
    this.#signals.wake(promoted.map(({ queue }) => queue))
    return { promoted: promoted.length, nextDueMs: this.#tasks.nextDueMs }
  }

  async close(): Promise<void> {
    this.#signals.clear()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #takeIn(task: NewTask, index: number): DispatchedTask {
    return takeIn(this.#tasks, task, index, (owner) => this.#workers.alive(owner) !== undefined)
  }

  async #lines(): Promise<MemoryLines> {
    return new MemoryLines(this.#tasks.inLine, await this.workers())
  }

  #lose(workerId: string, reason: (workerName: string) => TaskError): number {
    const { lost, orphans } = this.#losses.lose(workerId, reason)
    this.#signals.wake(orphans.map(({ queue }) => queue))
    return lost
  }
}
