import type { ClaimedTask, Completion, Logger, TaskId, TaskState } from '@tasking/core'
import type { Launcher } from './launcher.ts'
import type { WorkerSettings } from './options.ts'
import type { ProgressBook } from './progress-book.ts'
import { redacted } from './redaction.ts'
import type { TaskAbort } from './task-abort.ts'
import type { TaskRun } from './task-run.ts'

// As far as the worker knows: the store has the last word.
const nextStates = {
  ...{ completed: 'completed', failed: 'failed', canceled: 'canceled' },
  ...{ retry: 'scheduled', orphan: 'waiting' },
} as const satisfies Record<Completion['state'], TaskState>

export interface RunningTasksListener {
  onEnd(completion: Completion, log: Logger): void
  /** One more of them goes on whatever it is told. */
  onStuck(): void
}

/**
 * The tasks whose handlers run. Its invariants:
 * - A task is one of them until its handler has really ended and its progress is written; then its
 *   end is handed on, once.
 * - Once all were told to stop, whatever starts after that is told so, too.
 */
export class RunningTasks {
  readonly #settings: WorkerSettings
  readonly #launcher: Launcher
  readonly #progress: ProgressBook
  readonly #listener: RunningTasksListener
  readonly #runs = new Map<TaskId, TaskRun>()
  #abortReason: TaskAbort | undefined
  readonly #endedInline = new Set<string>()

  constructor(
    settings: WorkerSettings,
    launcher: Launcher,
    progress: ProgressBook,
    listener: RunningTasksListener,
  ) {
    this.#settings = settings
    this.#launcher = launcher
    this.#progress = progress
    this.#listener = listener
  }

  get size(): number {
    return this.#runs.size
  }

  get ids(): Iterable<TaskId> {
    return this.#runs.keys()
  }

  /** The names of those whose handlers share this event loop, or did until they were forgotten. */
  get inlineNames(): string[] {
    const inline = [...this.#runs.values()].filter(({ isInline }) => isInline)
    return [...new Set([...this.#endedInline, ...inline.map(({ task }) => task.name)])]
  }

  /** Forgets the names of those that have ended. */
  forgetEnded(): void {
    this.#endedInline.clear()
  }

  /** How many go on whatever they are told. */
  get stuck(): number {
    return [...this.#runs.values()].filter(({ isStuck }) => isStuck).length
  }

  /** The names of those that go on whatever they are told; `undefined` while others run, too. */
  get stuckNames(): string[] | undefined {
    const runs = [...this.#runs.values()]
    if (this.#abortReason === undefined || !runs.every(({ isStuck }) => isStuck)) return undefined
    return [...new Set(runs.map(({ task }) => task.name))]
  }

  has(id: TaskId): boolean {
    return this.#runs.has(id)
  }

  start(task: ClaimedTask): void {
    const { tasking, onEvent } = this.#settings
    const run = this.#launcher.runOf(task, () => this.#listener.onStuck())
    this.#runs.set(task.id, run)
    const { log } = run
    log.debug('task claimed')
    onEvent({ kind: 'claimed', taskId: task.id, taskName: task.name })
    if (this.#abortReason !== undefined) run.abort(this.#abortReason)
    void run.run().then(async (completion) => {
      // Nothing is waited for where nothing was reported.
      const unwritten = this.#progress.close(task)
      if (unwritten !== undefined) await unwritten
      this.#runs.delete(task.id)
      if (run.isInline) this.#endedInline.add(task.name)
      const end = redacted(completion, task.name, tasking, log)
      if (task.orphan === undefined) tellOfFailure(end, task.attempt, log)
      this.#listener.onEnd(end, log)
      const state = nextStates[end.state]
      log.debug({ state }, 'task ended')
      onEvent({ kind: 'ended', taskId: task.id, state })
    })
  }

  abort(id: TaskId, reason: TaskAbort): void {
    this.#runs.get(id)?.abort(reason)
  }

  abortAll(reason: TaskAbort): void {
    this.#abortReason ??= reason
    for (const run of this.#runs.values()) run.abort(reason)
  }
}

// Of the error only what fits a line, and nothing that was redacted.
function tellOfFailure(end: Completion, attempt: number, log: Logger): void {
  if (!('error' in end) || end.error === null) return
  const { name: type, code, message } = end.error
  const err = { type, ...(code !== undefined && { code }), message }
  const retry = end.state === 'retry' && { retryInMs: Math.round(end.delayMs) }
  log.warn({ attempt, err, ...retry }, 'a handler failed')
}
