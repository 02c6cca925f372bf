import { storableText, StoreUnavailableError, WorkerMissingError } from '@tasking/core'
import type {
  Beat,
  ClaimedTask,
  Completion,
  TaskId,
  Turn,
  TurnResult,
  WorkerId,
} from '@tasking/core'
import { HandlerRun, TaskAbort } from './handler-run.ts'
import { LookAgain } from './look-again.ts'
import type { WorkerSettings } from './options.ts'
import { Polling } from './polling.ts'

const longestRetryMs = 5_000

/**
 * The worker's loop. Its invariants:
 * - One turn at a time. What ends while a turn is under way goes with the next (group commit).
 * - It never asks for more tasks than it can start at once, so it never has one to put back.
 * - A completion leaves `#completions` only when the store has answered to it.
 * - After a turn without an answer it tells the store what it knows of, and is handed the rest.
 */
export class PullLoop {
  readonly #id: WorkerId
  readonly #settings: WorkerSettings
  readonly #running = new Map<TaskId, HandlerRun>()
  readonly #looks = new LookAgain()
  /** Ids whose end may have been stored by a turn whose answer was lost. */
  readonly #ambiguous = new Set<TaskId>()
  readonly polling: Polling
  #completions: Completion[] = []
  #claiming = true
  #missing = false
  #answerLost = false
  #oneByOne = false
  #pollAt = 0
  #retryMs = 0
  #nudge = new AbortController()

  constructor(id: WorkerId, settings: WorkerSettings) {
    this.#id = id
    this.#settings = settings
    this.polling = new Polling(settings.pollMs, () => settings.clock.random())
  }

  /** The tasks whose handlers run right now. */
  get running(): number {
    return this.#running.size
  }

  /** Pulls until told to stop claiming, and then until every handler's end is in the store. */
  async run(): Promise<void> {
    while (!this.#missing) {
      const now = performance.now()
      const due = this.#completions.length > 0 || this.#answerLost || this.#looks.isDue(now)
      if (due || now >= this.#pollAt) {
        await this.#turn()
      } else {
        await this.#sleepUntil(Math.min(this.#pollAt, this.#looks.dueAt))
      }
      if (!this.#claiming && this.#running.size === 0 && this.#completions.length === 0) return
    }
  }

  /** Something may be there to claim, or to cancel: asks soon. */
  wake(delayMs = 0): void {
    this.#pollAt = Math.min(this.#pollAt, performance.now() + delayMs)
    this.#stir()
  }

  /** A cancel was asked for; if it is for one of ours, the next turn brings the reason. */
  wakeForCancel(id: TaskId): void {
    if (this.#running.has(id)) this.wake()
  }

  /** Claims nothing more. */
  stopClaiming(): void {
    this.#claiming = false
    this.#stir()
  }

  abortAll(reason: TaskAbort): void {
    for (const run of this.#running.values()) run.abort(reason)
  }

  /** The worker has been given up: nothing that its handlers still do counts. */
  giveUp(): void {
    this.#missing = true
    this.abortAll(new TaskAbort('worker_missing', 'The worker could not renew its heartbeat.'))
    this.#stir()
  }

  /** Notices tasks that a turn without an answer has claimed for us. */
  compare({ owned }: Beat): void {
    if (owned <= this.#running.size + this.#completions.length) return
    this.#answerLost = true
    this.#stir()
  }

  async #turn(): Promise<void> {
    const { tasking, concurrency } = this.#settings
    const completions = this.#completions.slice(0, this.#oneByOne ? 1 : undefined)
    const looks = this.#looks.take(performance.now())
    const turn: Turn = {
      workerId: this.#id,
      slots: this.#claiming ? concurrency - this.#running.size : 0,
      completions,
      looks,
      ...(this.#answerLost && { known: this.#known() }),
    }
    try {
      const result = await tasking.store.turn(turn)
      this.#completions.splice(0, completions.length)
      this.#retryMs = 0
      this.#answerLost = false
      this.#oneByOne &&= this.#completions.length > 0
      this.#settle(completions, result)
      this.#schedule(turn, result)
    } catch (error) {
      this.#looks.putBack(looks)
      await this.#fail(completions, error)
    }
  }

  #known(): TaskId[] {
    return [...this.#running.keys(), ...this.#completions.map(({ id }) => id)]
  }

  #settle(completions: readonly Completion[], { refused, canceling, claimed, looks }: TurnResult) {
    const { onEvent, logger } = this.#settings
    for (const { id } of completions) {
      const recorded = !refused.includes(id) || this.#ambiguous.delete(id)
      if (!recorded) logger.warn({ taskId: id }, 'the end of a task was refused: it is not ours')
      onEvent({ kind: recorded ? 'finished' : 'refused', taskId: id })
    }
    this.#ambiguous.clear()
    this.#looks.add(looks, performance.now())
    if (this.#missing) return
    for (const task of claimed) this.#start(task)
    for (const { id, reason } of canceling) {
      const message = reason ?? 'The task was canceled.'
      this.#running.get(id)?.abort(new TaskAbort('task_canceled', message))
    }
  }

  #schedule({ slots }: Turn, { claimed }: TurnResult): void {
    if (claimed.length > 0) this.polling.foundWork()
    else if (slots > 0) this.#settings.onEvent({ kind: 'idle' })
    this.#pollAt = performance.now() + this.polling.next()
  }

  #start(task: ClaimedTask): void {
    const { tasking, logger, onEvent } = this.#settings
    const run = new HandlerRun(task)
    this.#running.set(task.id, run)
    onEvent({ kind: 'claimed', taskId: task.id, taskName: task.name })
    void run.run(tasking, logger).then((completion) => {
      this.#running.delete(task.id)
      this.#completions.push(completion)
      onEvent({ kind: 'ended', taskId: task.id, state: completion.state })
      this.#stir()
    })
  }

  async #fail(completions: readonly Completion[], error: unknown): Promise<void> {
    const { logger, onEvent, clock } = this.#settings
    if (error instanceof WorkerMissingError) return this.giveUp()
    this.#answerLost = true
    if (error instanceof StoreUnavailableError) {
      for (const { id } of completions) this.#ambiguous.add(id)
      onEvent({ kind: 'unavailable', error })
    } else if (completions.length > 0) {
      this.#isolate(completions, error)
    }
    this.#retryMs = Math.min(Math.max(this.#retryMs * 2, 50), longestRetryMs)
    logger.warn({ err: error, retryInMs: this.#retryMs }, 'the store did not take a turn')
    await this.#sleepUntil(performance.now() + this.#retryMs * (0.5 + clock.random()))
  }

  // One completion that the store can't take must not hold up the others for ever.
  #isolate([first, ...others]: readonly Completion[], error: unknown): void {
    if (first === undefined) return
    if (others.length > 0 || !this.#oneByOne) {
      this.#oneByOne = true
      return
    }
    const message = storableText(error instanceof Error ? error.message : String(error))
    this.#completions[0] = {
      id: first.id,
      fencingToken: first.fencingToken,
      state: 'failed',
      error: {
        name: 'ResultNotStoredError',
        code: 'result_not_stored',
        message: `The task ended as ${first.state}, but the store refused that: ${message}`,
      },
    }
  }

  #stir(): void {
    this.#nudge.abort()
  }

  async #sleepUntil(moment: number): Promise<void> {
    const ms = moment - performance.now()
    if (ms > 0) await this.#settings.clock.sleep(ms, this.#nudge.signal)
    if (this.#nudge.signal.aborted) this.#nudge = new AbortController()
  }
}
