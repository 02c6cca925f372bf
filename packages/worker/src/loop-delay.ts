import type { Clock } from '@tasking/core'

const longestPeriodMs = 1_000

/**
 * Notices a blocked event loop: a timer that rings much too late. It can tell only afterwards, since
 * while the loop is blocked nothing of this process runs. A paused process looks the same.
 */
export class LoopDelay {
  readonly #clock: Clock
  readonly #periodMs: number
  readonly #onDelay: (delayMs: number) => void
  readonly #end = new AbortController()

  /** @param onDelay told of a delay of a tenth of the TTL or more, or of a second where that is less */
  constructor(clock: Clock, ttlMs: number, onDelay: (delayMs: number) => void) {
    this.#clock = clock
    this.#periodMs = Math.min(longestPeriodMs, ttlMs / 10)
    this.#onDelay = onDelay
  }

  start(): void {
    void this.#run()
  }

  stop(): void {
    this.#end.abort()
  }

  async #run(): Promise<void> {
    const { signal } = this.#end
    while (!signal.aborted) {
      const dueAt = performance.now() + this.#periodMs
      await this.#clock.sleep(this.#periodMs, signal)
      if (signal.aborted) return
      const delayMs = Math.round(performance.now() - dueAt)
      if (delayMs >= this.#periodMs) this.#onDelay(delayMs)
    }
  }
}
