const shortestPauseMs = 50
const longestPauseMs = 5_000

/** The turns that have failed one after the other, and how long the next one had better wait. */
export class Failures {
  readonly #random: () => number
  #pauseMs = 0
  #count = 0

  constructor(random: () => number) {
    this.#random = random
  }

  get count(): number {
    return this.#count
  }

  add(): void {
    this.#count += 1
  }

  /** A turn got through. */
  clear(): void {
    this.#count = 0
    this.#pauseMs = 0
  }

  /** The next pause, in milliseconds: ever longer. */
  pause(): number {
    this.#pauseMs = Math.min(Math.max(this.#pauseMs * 2, shortestPauseMs), longestPauseMs)
    return Math.round(this.#pauseMs * (0.5 + this.#random()))
  }
}
