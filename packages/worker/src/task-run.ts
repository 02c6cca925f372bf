import type { ClaimedTask, Clock, Completion, Logger } from '@tasking/core'
import type { WorkerEvent } from './event.ts'
import type { Execution } from './execution.ts'
import { TaskTimeoutError } from './task-abort.ts'
import type { TaskAbort } from './task-abort.ts'

// An abort without a reason makes an error with a stack.
const ended = 'ended'

/** How long a handler may take, in milliseconds. */
export interface RunLimits {
  /** From the handler's start until its signal aborts; `undefined` for ever. */
  readonly timeoutMs: number | undefined
  /** From the abort until it is killed, or said to be stuck. */
  readonly graceMs: number
}

interface Surroundings {
  readonly clock: Clock
  /** The task's own. */
  readonly log: Logger
  readonly onEvent: (event: WorkerEvent) => void
  /** It goes on although its grace is over, and nothing can kill it. */
  readonly onStuck: () => void
}

/**
 * A task on its way through this worker. There is one way to stop a handler, whoever asks: its
 * signal aborts, it has the grace to end by itself, then it is killed, or is reported as stuck where
 * nothing can kill it. Either way the task ends when the handler has ended, not before, so its
 * resources are never in two hands.
 */
export class TaskRun {
  readonly task: ClaimedTask
  readonly #execution: Execution
  readonly #limits: RunLimits
  readonly #surroundings: Surroundings
  // Only made for a task that somebody watches, since most end before anybody has to.
  #watched: AbortController | undefined
  #ended = false
  #stuck = false
  #reason: TaskAbort | undefined

  constructor(
    task: ClaimedTask,
    execution: Execution,
    limits: RunLimits,
    surroundings: Surroundings,
  ) {
    this.task = task
    this.#execution = execution
    this.#limits = limits
    this.#surroundings = surroundings
  }

  get log(): Logger {
    return this.#surroundings.log
  }

  /** Whether its handler shares the worker's event loop. */
  get isInline(): boolean {
    return this.#execution.kill === undefined
  }

  /** Whether it goes on although its grace is over, and nothing can kill it. */
  get isStuck(): boolean {
    return this.#stuck
  }

  /** Runs the handler to its end, or to its killing. */
  async run(): Promise<Completion> {
    try {
      return await this.#execution.run(() => void this.#watchTime())
    } finally {
      this.#ended = true
      this.#watched?.abort(ended)
    }
  }

  /** Asks the handler to stop. The first reason stands. */
  abort(reason: TaskAbort): void {
    // Others may take its resources any moment: there is no time for a grace.
    if (reason.code === 'worker_missing') this.#execution.kill?.()
    if (this.#reason !== undefined) return
    this.#reason = reason
    this.#execution.abort(reason)
    void this.#watchGrace(reason)
  }

  async #watchTime(): Promise<void> {
    const { timeoutMs } = this.#limits
    if (timeoutMs === undefined || !(await this.#isOnAfter(timeoutMs))) return
    this.abort(new TaskTimeoutError(timeoutMs))
  }

  async #watchGrace({ code }: TaskAbort): Promise<void> {
    const { graceMs } = this.#limits
    if (!(await this.#isOnAfter(graceMs))) return
    const { log, onEvent, onStuck } = this.#surroundings
    const taskId = this.task.id
    const fields = { code, graceMs }
    if (this.#execution.kill === undefined) {
      this.#stuck = true
      log.warn(fields, 'a handler is stuck: it goes on although its signal has aborted')
      onEvent({ kind: 'stuck', taskId, code })
      onStuck()
    } else {
      log.warn(fields, 'a handler goes on although its signal has aborted: killing it')
      onEvent({ kind: 'killed', taskId, code })
      this.#execution.kill()
    }
  }

  async #isOnAfter(ms: number): Promise<boolean> {
    this.#watched ??= new AbortController()
    await this.#surroundings.clock.sleep(this.#ended ? 0 : ms, this.#watched.signal)
    return !this.#ended
  }
}
