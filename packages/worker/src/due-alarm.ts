import type { Clock, Store } from '@tasking/core'
import { Nudge } from './nudge.ts'

// Fleet-wide, so many look for due tasks per second; the first one within that finds them.
const fleetLooksPerSecond = 200
const shortestPauseMs = 10
const longestPauseMs = 1_000

export interface DueAlarmListener {
  onFailure(error: unknown): void
}

/**
 * Has the store put scheduled tasks in line when they are due. It rings only when somebody has said
 * that one will be: a signal, a turn that had nothing to do, housekeeping. All workers that do
 * housekeeping ring, spread over a while that grows with their number, so that the first is soon and
 * the last does no harm.
 */
export class DueAlarm {
  readonly #store: Store
  readonly #clock: Clock
  readonly #listener: DueAlarmListener
  readonly #end = new AbortController()
  readonly #nudge: Nudge
  #running: Promise<void> | undefined
  #dueAt = Infinity
  #ringAt = Infinity
  #notBefore = 0
  #pauseMs = shortestPauseMs
  /** How many workers ring. */
  housekeepers = 1

  constructor(store: Store, clock: Clock, listener: DueAlarmListener) {
    this.#store = store
    this.#clock = clock
    this.#listener = listener
    this.#nudge = new Nudge(clock)
  }

  start(): void {
    this.#running ??= this.#run()
  }

  async stop(): Promise<void> {
    this.#end.abort()
    this.#nudge.give()
    await this.#running
  }

  /** Some task is due in so many milliseconds; `null` for none. What was said before stands. */
  expect(inMs: number | null): void {
    const dueAt = inMs === null ? Infinity : performance.now() + inMs
    if (dueAt >= this.#dueAt) return
    this.#dueAt = dueAt
    const spreadMs = (this.housekeepers * 1_000) / fleetLooksPerSecond
    this.#ringAt = dueAt + this.#clock.random() * spreadMs
    this.#nudge.give()
  }

  async #run(): Promise<void> {
    const { signal } = this.#end
    while (!signal.aborted) {
      const ringAt = Math.max(this.#ringAt, this.#notBefore)
      if (ringAt > performance.now()) await this.#nudge.sleepUntil(ringAt)
      else await this.#ring()
    }
  }

  async #ring(): Promise<void> {
    // What is said while it looks may be about tasks that it doesn't see.
    this.#dueAt = Infinity
    this.#ringAt = Infinity
    try {
      const { promoted, nextDueMs } = await this.#store.promote()
      this.#pauseMs = promoted > 0 ? shortestPauseMs : Math.min(this.#pauseMs * 2, longestPauseMs)
      this.expect(nextDueMs)
    } catch (error) {
      this.#pauseMs = longestPauseMs
      this.expect(0)
      this.#listener.onFailure(error)
    }
    this.#notBefore = performance.now() + this.#pauseMs
  }
}
