// Fleet-wide, idle workers ask so often per second; the rest is the wake-ups' work. A thousand of them
// beat four times as often, and the two together must stay a small load.
const fleetPollsPerSecond = 25
const shortestPollMs = 20
// The smaller, the sooner is found what comes within a second after the last task, at a few polls more.
const growth = 1.5
const fewTasks = 4
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
    const budgetMs = this.#budgetMs
    const longestMs = Math.max(this.wakeups ? pollWithWakeupsMs : this.#restMs, budgetMs)
    // In a large fleet somebody asks soon anyway, and eager polls count as well.
    const pauseMs = Math.min(Math.max(this.#pauseMs, budgetMs / 2), longestMs)
    this.#pauseMs = Math.min(pauseMs * growth, longestMs)
    return pauseMs * (0.75 + this.#random() / 2)
  }

  /**
   * How long to wait after a wake-up, so that one task doesn't make a thousand workers ask: a few ask
   * soon, and the others, in case that those few were busy, within the budget of the fleet. Who will
   * ask within that anyway goes by it, or many wake-ups would make all ask ever sooner.
   * @param dueInMs when it will ask without the wake-up
   * @param tasks how many there may be to claim
   */
  answer(dueInMs: number, tasks = fewTasks): number {
    const soon = fewTasks + 2 * tasks
    if (this.fleet <= 4) return 0
    const isSoon = this.#random() * this.fleet < soon
    if (isSoon) return this.#random() * Math.min(this.fleet, soon)
    return dueInMs <= this.#budgetMs ? dueInMs : this.#random() * this.#budgetMs
  }

  get #budgetMs(): number {
    return (this.fleet / fleetPollsPerSecond) * 1_000
  }
}
