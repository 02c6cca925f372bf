import type {
  ClaimedTask,
  Clock,
  Logger,
  ProgressState,
  Store,
  TaskId,
  TaskProgress,
  WorkerId,
} from '@tasking/core'
import { taskLog } from './task-log.ts'
import type { LoggedTask } from './task-log.ts'

const pauseMs = 1_000
// A store that stays away must not keep the end of a task from being told.
const longestLastMs = 2_000

type Owned = LoggedTask & Pick<ClaimedTask, 'fencingToken'>

interface Unwritten {
  readonly task: Owned
  readonly reports: Map<string, ProgressState>
}

/**
 * The progress of a worker's tasks on its way to the store. However often handlers report, it
 * writes once a second at most, in one statement for all of them; what is left of a task is written
 * before its end is told. One write at a time, so that none is overtaken by an older one.
 */
export class ProgressBook {
  readonly #store: Store
  readonly #workerId: WorkerId
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #unwritten = new Map<TaskId, Unwritten>()
  #underWay: ReadonlySet<TaskId> = new Set()
  #writing: Promise<void> = Promise.resolve()
  #active = false

  constructor(store: Store, workerId: WorkerId, clock: Clock, logger: Logger) {
    this.#store = store
    this.#workerId = workerId
    this.#clock = clock
    this.#logger = logger
  }

  /** Takes in the latest reports of a task. */
  note(task: Owned, reports: readonly ProgressState[]): void {
    const known = this.#unwritten.get(task.id)?.reports ?? new Map<string, ProgressState>()
    for (const report of reports) known.set(report.code, report)
    this.#unwritten.set(task.id, { task, reports: known })
    if (!this.#active) void this.#writeNowAndThen()
  }

  /** Writes what is left of a task that has ended; `undefined` where nothing is. */
  close({ id }: Pick<Owned, 'id'>): Promise<void> | undefined {
    const unwritten = this.#unwritten.has(id)
    if (!unwritten && !this.#underWay.has(id)) return undefined
    const ended = new AbortController()
    const tooLate = this.#clock.sleep(longestLastMs, ended.signal)
    const written = (unwritten ? this.#write([id]) : this.#writing).finally(() => {
      this.#unwritten.delete(id)
      ended.abort()
    })
    return Promise.race([written, tooLate])
  }

  async #writeNowAndThen(): Promise<void> {
    this.#active = true
    while (this.#unwritten.size > 0) {
      await this.#write()
      await this.#clock.sleep(pauseMs)
    }
    this.#active = false
  }

  #write(only?: readonly TaskId[]): Promise<void> {
    this.#writing = this.#writing.then(() => this.#writeOnce(only))
    return this.#writing
  }

  async #writeOnce(only: readonly TaskId[] = [...this.#unwritten.keys()]): Promise<void> {
    const batch = only.flatMap((id) => this.#unwritten.get(id) ?? [])
    if (batch.length === 0) return
    for (const { task } of batch) this.#unwritten.delete(task.id)
    this.#underWay = new Set(batch.map(({ task }) => task.id))
    const progress = batch.map(({ task, reports }): TaskProgress => {
      const { id, fencingToken } = task
      return { id, fencingToken, reports: [...reports.values()] }
    })
    try {
      const refused = await this.#store.reportProgress(this.#workerId, progress)
      for (const { task } of batch) {
        if (!refused.includes(task.id)) continue
        taskLog(this.#logger, task).warn('the progress of a task was refused: it is not ours')
      }
    } catch (err) {
      this.#logger.warn({ err }, 'the progress of tasks could not be written')
      for (const { task, reports } of batch) this.#putBack(task, reports)
    }
    this.#underWay = new Set()
  }

  // What came meanwhile is newer.
  #putBack(task: Owned, reports: Map<string, ProgressState>): void {
    const newer = this.#unwritten.get(task.id)?.reports ?? []
    this.#unwritten.set(task.id, { task, reports: new Map([...reports, ...newer]) })
  }
}
