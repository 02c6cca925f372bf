import type { MemoryTask } from './memory-task.ts'
import type { MemoryTasks } from './memory-tasks.ts'
import type { MemoryWorkers } from './memory-workers.ts'
import type { TaskState } from './state-machine.ts'
import type { TaskError, WorkerId } from './task.ts'

/** What becomes of the tasks of workers that are no more, in a store in memory. */
export class MemoryLosses {
  readonly #tasks: MemoryTasks
  readonly #workers: MemoryWorkers

  constructor(tasks: MemoryTasks, workers: MemoryWorkers) {
    this.#tasks = tasks
    this.#workers = workers
  }

  /**
   * Forgets a worker, and ends what it holds, puts it off as its dispatch has said, or leaves it to
   * be cleaned up after: that once only, since the clean-up may be what its worker died of.
   */
  lose(workerId: WorkerId, reason: (workerName: string) => TaskError): Losses {
    const worker = this.#workers.get(workerId)
    if (worker === undefined) return { lost: 0, orphans: [] }
    this.#workers.remove(workerId)
    const error = reason(worker.name)
    const held = this.#tasks.ownedBy(workerId)
    for (const task of held) this.#lose(task, error)
    this.#tasks.unblock()
    return { lost: held.length, orphans: held.filter(({ state }) => state === 'waiting') }
  }

  /**
   * Leaves a task that is canceled to its clean-up, where it waits for that and somebody can do it.
   * @returns the state that it stays in; `undefined` where nothing comes before its end
   */
  cancelOrphan(task: MemoryTask): TaskState | undefined {
    const { state, endsAs } = task
    if (state !== 'waiting' || endsAs === null || !this.#workers.canCleanUp(task)) return undefined
    task.endsAs = 'canceled'
    return state
  }

  /** Ends the orphans that nobody cleans up after any more. */
  abandon(): void {
    const forsaken = this.#tasks.incomplete.filter(
      (task) => task.state === 'waiting' && task.endsAs !== null && !this.#workers.canCleanUp(task),
    )
    for (const task of forsaken) {
      this.#tasks.transition(task, task.endsAs === 'canceled' ? 'cancel' : 'abandon')
    }
    if (forsaken.length > 0) this.#tasks.unblock()
  }

  #lose(task: MemoryTask, error: TaskError): void {
    const { id, attempt, state } = task
    const recovery = task.options?.recovery
    if (task.endsAs !== null) {
      this.#tasks.lose(task)
    } else if (state === 'running' && recovery !== undefined && attempt <= recovery.limit) {
      const { delaysMs, keepPlace } = recovery
      const delayMs = delaysMs[attempt - 1] ?? delaysMs.at(-1) ?? 0
      this.#tasks.reschedule(task, 'recover', { error, delayMs, keepPlace })
    } else {
      task.error = error
      if (this.#tasks.creations.hasIncomplete(id) && this.#workers.canCleanUp(task)) {
        this.#tasks.orphan(task, error)
      } else {
        this.#tasks.lose(task)
      }
    }
  }
}

/** What a worker that is no more held, and what of it is to be cleaned up after. */
interface Losses {
  readonly lost: number
  readonly orphans: readonly MemoryTask[]
}
