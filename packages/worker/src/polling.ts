// Fleet-wide, idle workers ask so often per second; the rest is the wake-ups' work.
const fleetPollsPerSecond = 200
const shortestPollMs = 20
// With wake-ups, polling only finds what a lost one would have told.
const pollWithWakeupsMs = 2_000

/** How long an idle worker waits until it asks again: soon after work, then ever longer. */
export class Polling {
  readonly #restMs: number
  readonly #random: () => number
  #pauseMs = shortestPollMs
  /** How many workers share the database. */
  fleet = 1
  /** Whether wake-ups arrive. */
  wakeups = false

  constructor(restMs: number, random: () => number) {
    this.#restMs = restMs
    this.#random = random
  }

  /** There was work: more may follow soon. */
  foundWork(): void {
    this.#pauseMs = shortestPollMs
  }

  /** The next pause, in milliseconds. */
  next(): number {
    const budgetMs = (this.fleet / fleetPollsPerSecond) * 1_000
    const longestMs = Math.max(this.wakeups ? pollWithWakeupsMs : this.#restMs, budgetMs)
    const pauseMs = Math.min(this.#pauseMs, longestMs)
    this.#pauseMs = Math.min(this.#pauseMs * 2, longestMs)
    // A large fleet's eager polls after a burst count as well.
    return Math.max(pauseMs, budgetMs / 10) * (0.75 + this.#random() / 2)
  }

  /** How long to wait after a wake-up, so that one task doesn't make a thousand workers ask. */
  spread(): number {
    return this.fleet <= 4 ? 0 : this.#random() * this.fleet
  }
}
