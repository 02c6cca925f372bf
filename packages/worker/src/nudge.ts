import type { Clock } from '@tasking/core'

const nudged = 'nudged'

/** A sleep that can be cut short. A nudge that comes while nobody sleeps cuts the next one short. */
export class Nudge {
  readonly #clock: Clock
  #controller = new AbortController()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  give(): void {
    // Its own reason would be an error with a stack, made each time: half of what a short task costs.
    this.#controller.abort(nudged)
  }

  /** @param moment by `performance.now()` */
  async sleepUntil(moment: number): Promise<void> {
    const ms = moment - performance.now()
    if (ms > 0) await this.#clock.sleep(ms, this.#controller.signal)
    if (this.#controller.signal.aborted) this.#controller = new AbortController()
  }
}
