import type { Clock } from '@tasking/core'

const longestPeriodMs = 1_000

export interface LoopDelayListener {
  /** A timer rang so much too late: the event loop was blocked, or the whole process paused. */
  onDelay(delayMs: number): void
  /** So much more time has passed by the clock on the wall: the machine was suspended, or set. */
  onJump(jumpMs: number): void
  /** A timer rang, late or not; what ended before it has no part in later delays. */
  onRound(): void
}

/**
 * Notices that time was lost, of a tenth of the TTL or more, or of a second where that is less. It
 * can tell only afterwards, since while the event loop is blocked nothing of this process runs.
 */
export class LoopDelay {
  readonly #clock: Clock
  readonly #periodMs: number
  readonly #listener: LoopDelayListener
  readonly #end = new AbortController()
  /** Of this round; before the first one nothing can be late. */
  #startedAt = Infinity

  constructor(clock: Clock, ttlMs: number, listener: LoopDelayListener) {
    this.#clock = clock
    this.#periodMs = Math.min(longestPeriodMs, ttlMs / 10)
    this.#listener = listener
  }

  start(): void {
    void this.#run()
  }

  /** Tells first of what was lost since it looked: the timer of whoever stops it may ring before. */
  stop(): void {
    if (!this.#end.signal.aborted) this.#tellOfDelay()
    this.#end.abort()
  }

  async #run(): Promise<void> {
    const { signal } = this.#end
    while (!signal.aborted) {
      const startedAt = performance.now()
      this.#startedAt = startedAt
      const wallAtStart = this.#clock.now().getTime()
      await this.#clock.sleep(this.#periodMs, signal)
      if (signal.aborted) return
      const tookMs = performance.now() - startedAt
      this.#tellOfDelay()
      // A suspended machine stops the clock that timers go by, but not the one on the wall.
      const jumpMs = Math.round(this.#clock.now().getTime() - wallAtStart - tookMs)
      if (jumpMs >= this.#periodMs) this.#listener.onJump(jumpMs)
      this.#listener.onRound()
    }
  }

  #tellOfDelay(): void {
    const delayMs = Math.round(performance.now() - this.#startedAt - this.#periodMs)
    if (delayMs >= this.#periodMs) this.#listener.onDelay(delayMs)
  }
}
