import { StoreUnavailableError, WorkerMissingError } from '@tasking/core'
import type {
  Beat,
  Completion,
  DispatchedTask,
  NewTask,
  TaskId,
  Turn,
  TurnResult,
  WorkerId,
} from '@tasking/core'
import { Burst } from './burst.ts'
import { EndReports } from './end-reports.ts'
import { Failures } from './failures.ts'
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
import { TurnsUnderWay } from './turns-under-way.ts'

export interface PullLoopListener {
  /** The store says that the worker isn't registered any more. */
  onMissing(): void
  /** A turn has told in how many milliseconds the next scheduled task is due; `null` for none. */
  onNextDue(inMs: number | null): void
  /** Nothing is left to do but to wait for handlers that go on whatever they are told. */
  onStuck(taskNames: readonly string[]): void
}

const mostFailuresToStop = 4
// As many as the connections that turns may go by, and one.
const mostQuickRetries = 4
// With fewer slots two turns would cost more than they save; and with more workers, the turns of others
// are under way meanwhile.
const fewestSlotsToShare = 256
const mostWorkersToShare = 2

/**
 * The worker's loop. Its invariants:
 * - What ends while a turn is under way goes with the next (group commit). A second turn is under way
 *   only while a quarter of the slots or more have ended, so that the store and this process don't wait
 *   for each other.
 * - A turn that follows one without an answer, or that looks for an end which can't be stored, is alone.
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
  readonly #reports: EndReports
  readonly #failures: Failures
  readonly #atOnce = new TasksAtOnce()
  readonly #nudge: Nudge
  readonly polling: Polling
  #claiming = true
  #missing = false
  #answerLost = false
  readonly #turns = new TurnsUnderWay()
  #pollAt = 0

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
    this.#reports = new EndReports(settings.onEvent)
    this.#failures = new Failures(() => settings.clock.random())
    this.#running = new RunningTasks(settings, launcher, progress, {
      onEnd: (end, log) => {
        this.#outbox.add(end)
        this.#reports.expect(end.id, log)
        // The end of a turn that is under way is a nudge, too.
        if (this.#turns.size === 0 || this.#failures.count > 0 || this.#mayShare) this.#nudge.give()
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
      this.#turns.check()
      const now = performance.now()
      if (this.#turns.size === 0 ? this.#isDue(now) : this.#mayShare) {
        this.#begin(now)
        continue
      }
      await this.#nudge.sleepUntil(this.#turns.size === 0 ? this.#dueAt : Infinity)
      if (this.#turns.size > 0 || !this.#hasLetGo) continue
      if (this.#running.size === 0) return
      const stuck = this.#running.stuckNames
      if (stuck !== undefined) this.#listener.onStuck(stuck)
    }
    await this.#turns.ended()
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

  get #dueAt(): number {
    return Math.min(this.#pollAt, this.#looks.dueAt, this.#outbox.dueAt)
  }

  #isDue(now: number): boolean {
    return this.#answerLost || this.#dueAt <= now
  }

  get #isSharing(): boolean {
    const { concurrency } = this.#settings
    return concurrency >= fewestSlotsToShare && this.polling.fleet <= mostWorkersToShare
  }

  // Whether a second turn may be under way, and is worth it.
  get #mayShare(): boolean {
    const { concurrency } = this.#settings
    if (this.#turns.size !== 1 || !this.#isSharing) return false
    if (this.#answerLost || this.#turns.handsOver) return false
    if (this.#outbox.isAlone(performance.now())) return false
    return this.#failures.count === 0 && this.#outbox.size >= concurrency / 4
  }

  #begin(now: number): void {
    const turn = this.#compose(now)
    // A wake-up that comes while the turn is under way may tell of what it no longer sees.
    this.#pollAt = Infinity
    this.#turns.add(turn, this.#turn(turn), () => this.#nudge.give())
  }

  #compose(now: number): Turn {
    const { concurrency } = this.#settings
    // Where nearly all slots have ended at once, a second turn goes with the other half of them.
    const isShared = this.#isSharing && this.#outbox.size >= (concurrency * 3) / 4
    const completions = this.#outbox.next(
      now,
      isShared ? Math.ceil(this.#outbox.size / 2) : Infinity,
    )
    const probing = this.#outbox.isProbing
    const free = concurrency - this.#running.size - this.#turns.slots - this.#outbox.size
    return {
      workerId: this.#id,
      slots: this.#claiming && !probing ? Math.max(0, free) : 0,
      completions,
      looks: probing ? [] : this.#looks.take(now),
      ...(this.#answerLost && !probing && { known: this.#known() }),
    }
  }

  async #turn(turn: Turn): Promise<void> {
    const { completions, looks } = turn
    try {
      const answer = this.#settings.tasking.store.turn(turn)
      const result = await (turn.known === undefined ? answer : this.#atOnce.during(answer))
      this.#failures.clear()
      if (turn.known !== undefined) this.#answerLost = false
      this.#settle(completions, result)
      this.#schedule(turn, result)
      await this.#endBurst(turn, result)
    } catch (error) {
      this.#looks.putBack(looks)
      await this.#fail(completions, error)
    }
  }

  get #mayClaim(): boolean {
    const { concurrency } = this.#settings
    return concurrency > 0 && (this.#turns.size > 0 || this.#running.size < concurrency)
  }

  // It will claim nothing, and the store has all ends that there are.
  get #hasLetGo(): boolean {
    const owes = this.#outbox.dueAt < Infinity || !this.#atOnce.isEmpty || this.#owesQuestion
    return !this.#claiming && !owes
  }

  // A turn without an answer may have claimed what would now be given up without ever having run;
  // but a store that stays away must not keep the worker from stopping.
  get #owesQuestion(): boolean {
    return this.#answerLost && this.#failures.count <= mostFailuresToStop
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
    const { canceling, claimed, looks } = result
    const taken = this.#outbox.taken(completions, result, performance.now())
    this.#reports.tell(taken)
    for (const id of [...taken.stored, ...taken.lost]) this.#atOnce.end(id)
    for (const completion of completions) this.#burst?.note(completion)
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
    else if (slots > 0 && this.#turns.size === 1) {
      this.#settings.onEvent({ kind: 'idle' })
    }
    // A dispatcher only asks whether what it runs is to stop.
    const isAsking = this.#settings.concurrency > 0 || this.#running.size > 0
    if (isAsking) this.#askWithin(this.polling.next())
  }

  async #endBurst({ slots }: Turn, { claimed }: TurnResult): Promise<void> {
    if (slots === 0 || claimed.length > 0 || !this.#isThrough || this.#turns.size > 1) return
    if (await this.#burst?.isOver()) this.stopClaiming()
  }

  async #fail(sent: readonly Completion[], error: unknown): Promise<void> {
    const { logger, onEvent } = this.#settings
    if (error instanceof WorkerMissingError) return this.#listener.onMissing()
    this.#answerLost = true
    this.#failures.add()
    if (error instanceof StoreUnavailableError) {
      this.#outbox.unanswered(sent)
      onEvent({ kind: 'unavailable', error })
    } else {
      this.#outbox.refused(sent, error)
    }
    // Where signals arrive the server is there: a connection had died and nobody had noticed.
    if (this.polling.wakeups && this.#failures.count <= mostQuickRetries) return
    const retryInMs = this.#failures.pause()
    logger.warn({ err: error, retryInMs }, 'the store did not take a turn')
    await this.#nudge.sleepUntil(performance.now() + retryInMs)
  }

  #askWithin(delayMs: number): void {
    this.#pollAt = Math.min(this.#pollAt, performance.now() + delayMs)
    this.#nudge.give()
  }
}
