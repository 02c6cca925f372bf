import type { Look } from '@tasking/core'

const shortestPauseMs = 10
const longestPauseMs = 500

/**
 * The lines that a later turn must look at again: at once after a release of our own, in a little
 * while where a dispatcher was in flight, which may be for long.
 */
export class LookAgain {
  #atOnce: Look[] = []
  #later: Look[] = []
  #laterAt = Infinity
  #pauseMs = shortestPauseMs

  /** When the next look is due; `Infinity` for never. */
  get dueAt(): number {
    return this.#atOnce.length > 0 ? 0 : this.#laterAt
  }

  add(looks: readonly Look[], now: number): void {
    const later = looks.filter(({ inFlight }) => inFlight)
    this.#atOnce.push(...looks.filter(({ inFlight }) => !inFlight))
    this.#later.push(...later)
    if (later.length === 0) {
      if (this.#later.length === 0) this.#pauseMs = shortestPauseMs
      return
    }
    this.#laterAt = Math.min(this.#laterAt, now + this.#pauseMs)
    this.#pauseMs = Math.min(this.#pauseMs * 2, longestPauseMs)
  }

  /** Takes what is due out. */
  take(now: number): Look[] {
    const due = this.#atOnce
    this.#atOnce = []
    if (this.#laterAt > now) return due
    const all = [...due, ...this.#later]
    this.#later = []
    this.#laterAt = Infinity
    return all
  }

  /** What was taken out and not looked at. */
  putBack(looks: readonly Look[]): void {
    this.#atOnce.push(...looks)
  }
}
