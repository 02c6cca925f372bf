import { StoreUnavailableError, WorkerMissingError } from '@tasking/core'
import type {
  Beat,
  Completion,
  DispatchedTask,
  Logger,
  NewTask,
  TaskId,
  Turn,
  TurnResult,
  WorkerId,
} from '@tasking/core'
import { Burst } from './burst.ts'
import type { Launcher } from './launcher.ts'
import { LookAgain } from './look-again.ts'
import { Nudge } from './nudge.ts'
import type { WorkerSettings } from './options.ts'
import { Outbox } from './outbox.ts'
import { Polling } from './polling.ts'
import type { ProgressBook } from './progress-book.ts'
import { RunningTasks } from './running-tasks.ts'
import { TaskAbort } from './task-abort.ts'
import { TasksAtOnce } from './tasks-at-once.ts'

export interface PullLoopListener {
  /** The store says that the worker isn't registered any more. */
  onMissing(): void
  /** A turn has told in how many milliseconds the next scheduled task is due; `null` for none. */
  onNextDue(inMs: number | null): void
  /** Nothing is left to do but to wait for handlers that go on whatever they are told. */
  onStuck(taskNames: readonly string[]): void
}

const longestRetryMs = 5_000
const mostFailuresToStop = 4
// As many as the connections for turns, and one.
const mostAtOnce = 3

/**
 * The worker's loop. Its invariants:
 * - One turn at a time. What ends while a turn is under way goes with the next (group commit).
 * - It never asks for more tasks than it can start at once, so it never has one to put back.
 * - The end of a task stays in the outbox until the store has answered to it.
 * - After a turn without an answer it tells the store what it knows of, and is handed the rest.
 */
export class PullLoop {
  readonly #id: WorkerId
  readonly #settings: WorkerSettings
  readonly #listener: PullLoopListener
  readonly #running: RunningTasks
  readonly #burst: Burst | undefined
  readonly #looks = new LookAgain()
  readonly #outbox = new Outbox()
  /** Of those whose ends are in the outbox. */
  readonly #logs = new Map<TaskId, Logger>()
  readonly #atOnce = new TasksAtOnce()
  readonly #nudge: Nudge
  readonly polling: Polling
  #claiming = true
  #missing = false
  #answerLost = false
  #turning = false
  #pollAt = 0
  #retryMs = 0
  #failures = 0

  constructor(
    id: WorkerId,
    settings: WorkerSettings,
    launcher: Launcher,
    progress: ProgressBook,
    listener: PullLoopListener,
  ) {
    this.#id = id
    this.#settings = settings
    this.#listener = listener
    const { tasking, burst, burstWaitMs, logger } = settings
    this.#burst = burst ? new Burst(tasking.store, burstWaitMs, logger) : undefined
    this.#nudge = new Nudge(settings.clock)
    this.#running = new RunningTasks(settings, launcher, progress, {
      onEnd: (end, log) => {
        this.#outbox.add(end)
        this.#logs.set(end.id, log)
        this.#nudge.give()
      },
      // It may be the last one that a stop has waited for.
      onStuck: () => this.#nudge.give(),
    })
    this.polling = new Polling(settings.pollMs, () => settings.clock.random())
  }

  /** The tasks whose handlers run right now. */
  get running(): number {
    return this.#running.size
  }

  /** Of those, the handlers that go on whatever they are told. */
  get stuck(): number {
    return this.#running.stuck
  }

  /** The names of the tasks whose handlers share this event loop, or did until they were forgotten. */
  get inlineTaskNames(): string[] {
    return this.#running.inlineNames
  }

  /** Forgets the names of the tasks that have ended. */
  forgetEndedTasks(): void {
    this.#running.forgetEnded()
  }

  /** Whether it has not been told to claim nothing more. */
  get isClaiming(): boolean {
    return this.#claiming
  }

  /** Pulls until told to stop claiming, and then until every handler's end is in the store. */
  async run(): Promise<void> {
    while (!this.#missing) {
      const now = performance.now()
      const due = this.#outbox.dueAt <= now || this.#answerLost || this.#looks.isDue(now)
      if (due || now >= this.#pollAt) {
        await this.#turn()
      } else {
        await this.#nudge.sleepUntil(Math.min(this.#pollAt, this.#looks.dueAt, this.#outbox.dueAt))
      }
      if (!this.#hasLetGo) continue
      if (this.#running.size === 0) return
      const stuck = this.#running.stuckNames
      if (stuck !== undefined) this.#listener.onStuck(stuck)
    }
  }

  /** Something may be there to claim: asks soon, unless every slot is taken. */
  wake(): void {
    if (this.#mayClaim) this.#askWithin(0)
  }

  /** A wake-up came, for all workers at once. @param tasks how many it tells of */
  wakeWithOthers(tasks?: number): void {
    const dueInMs = this.#pollAt - performance.now()
    if (this.#mayClaim) this.#askWithin(this.polling.answer(dueInMs, tasks))
  }

  /** A cancel was asked for; if it is for one of ours, the next turn brings the reason. */
  wakeForCancel(id: TaskId): void {
    if (this.#running.has(id)) this.#askWithin(0)
  }

  /** Dispatches a task of its own and, where the store says so, runs it until its end is stored. */
  async runAtOnce(task: NewTask, dispatch: () => Promise<DispatchedTask>): Promise<DispatchedTask> {
    try {
      return await this.#atOnce.run(task, dispatch, (claimed) => {
        if (this.#missing) return
        this.#running.start(claimed)
        this.#askWithin(this.polling.next())
      })
    } finally {
      this.#nudge.give()
    }
  }

  /** Claims nothing more. */
  stopClaiming(): void {
    this.#claiming = false
    this.#nudge.give()
  }

  /** Tells every handler to stop, also those whose tasks a turn under way may yet bring. */
  abortAll(reason: TaskAbort): void {
    this.#running.abortAll(reason)
    // All that are left may be stuck already.
    this.#nudge.give()
  }

  /** The worker has been given up: nothing that its handlers still do counts. */
  giveUp(): void {
    this.#missing = true
    this.abortAll(new TaskAbort('worker_missing', 'The worker could not renew its heartbeat.'))
    this.#atOnce.giveUp()
  }

  /** Notices tasks that a turn without an answer has claimed for us. */
  compare({ owned }: Beat): void {
    if (owned <= this.#known().length) return
    this.#answerLost = true
    this.#nudge.give()
  }

  async #turn(): Promise<void> {
    const { tasking, concurrency } = this.#settings
    const now = performance.now()
    const completions = this.#outbox.next(now)
    const probing = this.#outbox.isProbing
    const looks = probing ? [] : this.#looks.take(now)
    const turn: Turn = {
      workerId: this.#id,
      slots: this.#claiming && !probing ? Math.max(0, concurrency - this.#running.size) : 0,
      completions,
      looks,
      ...(this.#answerLost && !probing && { known: this.#known() }),
    }
    // A wake-up that comes while the turn is under way may tell of what it no longer sees.
    this.#pollAt = Infinity
    this.#turning = true
    try {
      const answer = tasking.store.turn(turn)
      const result = await (turn.known === undefined ? answer : this.#atOnce.during(answer))
      this.#retryMs = 0
      this.#failures = 0
      if (turn.known !== undefined) this.#answerLost = false
      this.#settle(completions, result)
      this.#schedule(turn, result)
      await this.#endBurst(turn, result)
    } catch (error) {
      this.#looks.putBack(looks)
      await this.#fail(completions, error)
    } finally {
      this.#turning = false
    }
  }

  get #mayClaim(): boolean {
    const { concurrency } = this.#settings
    return concurrency > 0 && (this.#turning || this.#running.size < concurrency)
  }

  // It will claim nothing, and the store has all ends that there are.
  get #hasLetGo(): boolean {
    const owes = this.#outbox.dueAt < Infinity || !this.#atOnce.isEmpty || this.#owesQuestion
    return !this.#claiming && !owes
  }

  // A turn without an answer may have claimed what would now be given up without ever having run;
  // but a store that stays away must not keep the worker from stopping.
  get #owesQuestion(): boolean {
    return this.#answerLost && this.#failures <= mostFailuresToStop
  }

  // What has ended and is not looked after to its end may free what can run.
  get #isThrough(): boolean {
    const owes = Math.min(this.#outbox.dueAt, this.#looks.dueAt) < Infinity || this.#answerLost
    return this.#running.size === 0 && !owes
  }

  #known(): TaskId[] {
    const ids = [...this.#running.ids, ...this.#outbox.ids, ...this.#atOnce.ids]
    return [...new Set(ids)]
  }

  #settle(completions: readonly Completion[], result: TurnResult) {
    const { onEvent } = this.#settings
    const { canceling, claimed, looks } = result
    const { stored, lost } = this.#outbox.taken(completions, result, performance.now())
    for (const id of stored) onEvent({ kind: 'finished', taskId: id })
    if (this.#burst !== undefined)
      for (const completion of completions) this.#burst.note(completion)
    for (const id of lost) {
      this.#logs.get(id)?.warn('the end of a task was refused: it is not ours')
      onEvent({ kind: 'refused', taskId: id })
    }
    for (const id of [...stored, ...lost]) {
      this.#atOnce.end(id)
      this.#logs.delete(id)
    }
    this.#looks.add(looks, performance.now())
    this.#listener.onNextDue(result.nextDueMs ?? null)
    if (this.#missing) return
    for (const task of claimed) this.#running.start(task)
    for (const { id, reason } of canceling) {
      const message = reason ?? 'The task was canceled.'
      this.#running.abort(id, new TaskAbort('task_canceled', message))
    }
  }

  #schedule({ slots }: Turn, { claimed }: TurnResult): void {
    if (claimed.length > 0) this.polling.foundWork()
    else if (slots > 0) {
      this.#settings.onEvent({ kind: 'idle' })
    }
    // A dispatcher only asks whether what it runs is to stop.
    const isAsking = this.#settings.concurrency > 0 || this.#running.size > 0
    if (isAsking) this.#askWithin(this.polling.next())
  }

  async #endBurst({ slots }: Turn, { claimed }: TurnResult): Promise<void> {
    if (slots === 0 || claimed.length > 0 || !this.#isThrough) return
    if (await this.#burst?.isOver()) this.stopClaiming()
  }

  async #fail(sent: readonly Completion[], error: unknown): Promise<void> {
    const { logger, onEvent, clock } = this.#settings
    if (error instanceof WorkerMissingError) return this.#listener.onMissing()
    this.#answerLost = true
    this.#failures += 1
    if (error instanceof StoreUnavailableError) {
      this.#outbox.unanswered(sent)
      onEvent({ kind: 'unavailable', error })
    } else {
      this.#outbox.refused(sent, error)
    }
    // Where signals arrive the server is there: a connection had died and nobody had noticed.
    if (this.polling.wakeups && this.#failures <= mostAtOnce) return
    this.#retryMs = Math.min(Math.max(this.#retryMs * 2, 50), longestRetryMs)
    logger.warn({ err: error, retryInMs: this.#retryMs }, 'the store did not take a turn')
    await this.#nudge.sleepUntil(performance.now() + this.#retryMs * (0.5 + clock.random()))
  }

  #askWithin(delayMs: number): void {
    this.#pollAt = Math.min(this.#pollAt, performance.now() + delayMs)
    this.#nudge.give()
  }
}
