import { milliseconds, timeoutMsOf } from '@tasking/core'
import type { ClaimedTask, Logger, WorkerId } from '@tasking/core'
import type { ChildPool } from './child-pool.ts'
import { inlineExecution } from './execution.ts'
import type { Execution } from './execution.ts'
import type { OnProgress } from './handler-run.ts'
import { IsolatedRun } from './isolated-run.ts'
import type { WorkerSettings } from './options.ts'
import type { ProgressBook } from './progress-book.ts'
import { taskLog } from './task-log.ts'
import { TaskRun } from './task-run.ts'
import type { RunLimits } from './task-run.ts'

/** Says of each claimed task where its handler runs, and how long it may take. */
export class Launcher {
  readonly #workerId: WorkerId
  readonly #settings: WorkerSettings
  readonly #children: ChildPool | undefined
  readonly #progress: ProgressBook

  /** @param children needed as soon as a definition is isolated */
  constructor(
    workerId: WorkerId,
    settings: WorkerSettings,
    children: ChildPool | undefined,
    progress: ProgressBook,
  ) {
    this.#workerId = workerId
    this.#settings = settings
    this.#children = children
    this.#progress = progress
  }

  /** @param onStuck called when the handler goes on after its grace, and can't be killed */
  runOf(task: ClaimedTask, onStuck: () => void): TaskRun {
    const { logger, clock, onEvent } = this.#settings
    const log = taskLog(logger, task)
    const execution = this.#executionOf(task, log)
    return new TaskRun(task, execution, this.#limitsOf(task), { log, clock, onEvent, onStuck })
  }

  #executionOf(task: ClaimedTask, log: Logger): Execution {
    const { tasking, clock } = this.#settings
    const definition = tasking.definitions.get(task.name)
    const onProgress: OnProgress = (reports) => this.#progress.note(task, reports)
    const isolation = definition?.isolation ?? this.#settings.isolation
    if (isolation === 'inline' || this.#children === undefined) {
      return inlineExecution(task, this.#workerId, tasking, { log, clock }, onProgress)
    }
    const ending = { task, definition, random: () => clock.random(), log }
    return new IsolatedRun(ending, this.#workerId, isolation, this.#children, onProgress)
  }

  #limitsOf({ name, options }: ClaimedTask): RunLimits {
    const definition = this.#settings.tasking.definitions.get(name)
    const grace = definition?.grace
    return {
      timeoutMs: options?.timeoutMs ?? timeoutMsOf(definition ?? {}),
      graceMs: grace === undefined ? this.#settings.graceMs : milliseconds(grace, 'grace'),
    }
  }
}
