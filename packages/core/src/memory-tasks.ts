import type { Clock } from './clock.ts'
import type { Completion } from './completion.ts'
import { TaskNotFoundError, TaskStateError } from './errors.ts'
import { MemoryCreations } from './memory-creations.ts'
import { MemoryGroups } from './memory-groups.ts'
import { MemoryProgress } from './memory-progress.ts'
import { isInLine, isOwned, later, newMemoryTask } from './memory-task.ts'
import type { MemoryTask } from './memory-task.ts'
import { blockersOf } from './reservation.ts'
import { isFinal, nextState } from './state-machine.ts'
import type { TaskEvent, TaskState } from './state-machine.ts'
import type { ClaimedTask, NewTask, TaskCounts, TaskError, TaskId } from './task.ts'
import { countsOf } from './task-counts.ts'
import type { TaskRelation } from './task-store.ts'
import { satisfies } from './version.ts'
import type { WorkerRegistration } from './worker.ts'

type Retry = Pick<Extract<Completion, { state: 'retry' }>, 'error' | 'delayMs' | 'keepPlace'>

/** All tasks of a store in memory, in the order of their dispatch, and what can happen to one. */
export class MemoryTasks {
  readonly #clock: Clock
  #tasks = new Map<TaskId, MemoryTask>()
  #lastPosition = 0n
  #lastFencingToken = 0n

  readonly groups: MemoryGroups
  readonly progress: MemoryProgress
  readonly creations: MemoryCreations

  constructor(clock: Clock) {
    this.#clock = clock
    this.groups = new MemoryGroups(clock)
    this.progress = new MemoryProgress(clock)
    this.creations = new MemoryCreations(clock)
  }

  get all(): MemoryTask[] {
    return [...this.#tasks.values()]
  }

  get incomplete(): MemoryTask[] {
    return this.all.filter(({ state }) => !isFinal(state))
  }

  /** Those that hold a place at each of their resources. */
  get inLine(): MemoryTask[] {
    return this.all.filter(isInLine)
  }

  get(id: TaskId): MemoryTask | undefined {
    return this.#tasks.get(id)
  }

  existing(id: TaskId): MemoryTask {
    const task = this.#tasks.get(id)
    if (task === undefined) throw new TaskNotFoundError(id)
    return task
  }

  count(relation: TaskRelation): TaskCounts {
    const related = this.all.filter((task) =>
      'groupId' in relation
        ? task.groupId === relation.groupId
        : task.parentId === relation.parentId,
    )
    return countsOf(related.map(({ state }) => state))
  }

  ownedBy(workerId: string): MemoryTask[] {
    return this.incomplete.filter((task) => task.workerId === workerId)
  }

  /** A task with the next position, which is not among the others yet. */
  draw(asked: NewTask): MemoryTask {
    return newMemoryTask(asked, ++this.#lastPosition, this.#clock.now())
  }

  /**
   * Puts it in line, unblocked if nothing before it stands in its way; later if it isn't due yet.
   * @throws GroupNotFoundError, GroupClosedError
   */
  add(task: MemoryTask): void {
    this.groups.enter(task)
    if (task.state === 'waiting') this.#unblockIfFree(task)
    this.#tasks.set(task.id, task)
  }

  /** Puts what is due in line, at its end unless it has kept its places. */
  promote(): MemoryTask[] {
    const now = this.#clock.now()
    const due = this.#scheduled.filter(({ runAt }) => runAt <= now)
    for (const { task } of due) {
      this.transition(task, 'due')
      if (task.unblockedAt !== null) task.unblockedAt = now
      else {
        task.position = ++this.#lastPosition
        this.#unblockIfFree(task)
      }
    }
    return due.map(({ task }) => task)
  }

  /** In how many milliseconds the next one is due; `null` without any. */
  get nextDueMs(): number | null {
    const [next] = this.#scheduled
    if (next === undefined) return null
    return Math.max(0, next.runAt.getTime() - this.#clock.now().getTime())
  }

  /** In the order in which they come due. */
  get #scheduled(): { readonly task: MemoryTask; readonly runAt: Date }[] {
    return this.all
      .flatMap((task) =>
        task.state === 'scheduled' && task.runAt !== null ? [{ task, runAt: task.runAt }] : [],
      )
      .toSorted(
        (a, b) =>
          a.runAt.getTime() - b.runAt.getTime() || (a.task.position < b.task.position ? -1 : 1),
      )
  }

  #unblockIfFree(task: MemoryTask): void {
    if (blockersOf(task, this.inLine).length === 0) task.unblockedAt = this.#clock.now()
  }

  /** Keeps it as one that is not to run at all. */
  turnAway(task: MemoryTask, state: 'skipped' | 'canceled', error: TaskError): void {
    task.state = state
    task.error = error
    if (state === 'canceled') task.cancelReason = error.message
    task.finishedAt = this.#clock.now()
    this.#tasks.set(task.id, task)
  }

  remove(id: TaskId): void {
    this.progress.remove(id)
    this.creations.remove(id)
    this.#tasks.delete(id)
  }

  /** Runs it whole: where it throws, everything is as before. */
  atomically<T>(run: () => T): T {
    const before = this.all.map((task) => [task.id, { ...task }] as const)
    const restoreGroups = this.groups.snapshot()
    try {
      return run()
    } catch (error) {
      this.#tasks = new Map(before)
      restoreGroups()
      throw error
    }
  }

  transition(task: MemoryTask, event: TaskEvent): TaskState {
    const state = nextState(task.state, event)
    if (state === undefined) throw new TaskStateError(task.id, task.state, event)
    task.state = state
    if (isFinal(state)) task.finishedAt = this.#clock.now()
    return state
  }

  /** @returns how many that let go on */
  unblock(): number {
    const { inLine } = this
    const free = inLine.filter(
      (task) => task.unblockedAt === null && blockersOf(task, inLine).length === 0,
    )
    for (const task of free) task.unblockedAt = this.#clock.now()
    return free.length
  }

  /** What such a worker may claim, in the order in which it does. */
  claimable({ queues, taskNames, versions = {} }: WorkerRegistration): MemoryTask[] {
    return this.incomplete
      .filter(
        ({ state, unblockedAt, queue, name, options }) =>
          state === 'waiting' &&
          unblockedAt !== null &&
          queues.includes(queue) &&
          taskNames.includes(name) &&
          satisfies(versions, options?.requires ?? {}),
      )
      .toSorted(
        (a, b) =>
          queues.indexOf(a.queue) - queues.indexOf(b.queue) ||
          b.priority - a.priority ||
          (a.position < b.position ? -1 : 1),
      )
  }

  claim(task: MemoryTask, workerId: string): ClaimedTask {
    this.transition(task, 'claim')
    // Whoever asked to cancel an orphan was told that it will be.
    if (task.endsAs === 'canceled') this.transition(task, 'cancel')
    task.workerId = workerId
    task.startedAt ??= this.#clock.now()
    return this.handOver(task)
  }

  /** To its owner, with a new token. */
  handOver(task: MemoryTask): ClaimedTask {
    const fencingToken = ++this.#lastFencingToken
    task.fencingToken = fencingToken
    const { id, name, input, resources, queue, parentId, groupId, correlationId } = task
    const { attempt, options, endsAs, error } = task
    return {
      ...{ id, name, input, resources, queue, parentId, groupId, correlationId },
      ...{ attempt, fencingToken },
      ...(options && { options }),
      ...(endsAs && { orphan: { endsAs, error } }),
    }
  }

  /** @returns whether it counts: false for what isn't the worker's any more */
  complete(
    workerId: string,
    completion: Completion,
    canCleanUp: (task: MemoryTask) => boolean,
  ): boolean {
    const task = this.#tasks.get(completion.id)
    if (task === undefined) return false
    const { fencingToken } = completion
    if (completion.inTransaction && task.state === 'completed') {
      return task.workerId === workerId && task.fencingToken === fencingToken
    }
    if (!isOwned(task, workerId, fencingToken)) return false
    if (task.endsAs !== null) {
      // As was said, whatever came of its clean-up.
      this.transition(task, 'fail')
      return true
    }
    if (completion.state === 'retry') {
      this.reschedule(task, 'retry', completion)
      return true
    }
    if (
      completion.state === 'orphan' &&
      this.creations.hasIncomplete(task.id) &&
      canCleanUp(task)
    ) {
      this.orphan(task, completion.error)
      return true
    }
    const state = this.transition(task, completion.state === 'completed' ? 'complete' : 'fail')
    task.error = completion.state === 'completed' ? null : completion.error
    if (completion.state === 'completed' && state === 'completed') task.result = completion.result
    return true
  }

  /** Has it wait for its clean-up. It keeps its places, and the time of its start. */
  orphan(task: MemoryTask, error: TaskError | null): void {
    task.endsAs = task.state === 'canceling' ? 'canceled' : 'failed'
    this.transition(task, 'orphan')
    task.error = error
    task.workerId = null
    task.fencingToken = null
    task.unblockedAt = this.#clock.now()
  }

  /** Ends what its worker has lost. */
  lose(task: MemoryTask): void {
    this.transition(task, 'lose')
    // So that a late owner is told from it for good.
    task.fencingToken = ++this.#lastFencingToken
  }

  /** Puts it off, unless somebody has asked to cancel it. */
  reschedule(task: MemoryTask, event: 'retry' | 'recover', { error, delayMs, keepPlace }: Retry) {
    const state = this.transition(task, event)
    task.error = error
    if (state !== 'scheduled') return
    task.runAt = later(this.#clock.now(), delayMs)
    task.attempt += 1
    task.workerId = null
    task.fencingToken = null
    task.startedAt = null
    // One of a group stays in its line, or the finalizer would not wait for it.
    if (!keepPlace && task.groupId === null) task.unblockedAt = null
  }
}
