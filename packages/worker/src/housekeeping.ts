import type { Clock } from '@tasking/core'

// A worker that lives for less than a seldom duty's period would never get to it.
const longestFirstMs = 60_000
// So many workers try as often as one alone would; more of them try no more often than these.
const fewWorkers = 4

/** What a run of a duty says of the next one. */
export interface DutyOutcome {
  /** When there will be something to do, where that is known. */
  readonly nextInMs?: number | undefined
  /** Whether there was something to do. */
  readonly worked?: boolean
}

/** One thing that some worker does now and then for all. */
export interface Duty {
  readonly name: string
  /** How often the whole fleet does it, roughly. */
  readonly periodMs: number
  /** @param signal aborts when the worker stops: what takes long breaks off then */
  run(signal: AbortSignal): Promise<DutyOutcome>
}

export interface HousekeepingListener {
  onFailure(duty: string, error: unknown): void
}

/**
 * What some worker does now and then for all. Every housekeeper comes to each duty at its own
 * jittered moments and, the more of them there are, passes it over the more often; the store lets one
 * through at a time. None sleeps for longer than a period: of a thousand only one may be left by then.
 * Each duty goes its own way, so one that fails or takes long holds up no other.
 */
export class Housekeeping {
  readonly #duties: readonly Duty[]
  readonly #clock: Clock
  readonly #listener: HousekeepingListener
  readonly #end = new AbortController()
  #running: Promise<unknown> | undefined
  /** How many living workers do housekeeping. */
  housekeepers = 1

  constructor(duties: readonly Duty[], clock: Clock, listener: HousekeepingListener) {
    this.#duties = duties
    this.#clock = clock
    this.#listener = listener
  }

  start(): void {
    this.#running ??= Promise.all(this.#duties.map((duty) => this.#keep(duty)))
  }

  /** Does each duty once, now. */
  async round(): Promise<void> {
    for (const duty of this.#duties) if (!this.#end.signal.aborted) await this.#run(duty)
  }

  async stop(): Promise<void> {
    this.#end.abort()
    await this.#running
  }

  async #keep(duty: Duty): Promise<void> {
    const { signal } = this.#end
    let pauseMs = this.#pauseMs(Math.min(duty.periodMs, longestFirstMs))
    let isExpected = false
    while (!signal.aborted) {
      await this.#clock.sleep(pauseMs, signal)
      if (signal.aborted) return
      pauseMs = this.#pauseMs(duty.periodMs)
      if (!isExpected && !this.#takesTurn) continue
      const { nextInMs = Infinity, worked = false } = await this.#run(duty)
      isExpected = nextInMs < pauseMs && this.#heeds(worked)
      if (isExpected) pauseMs = nextInMs
    }
  }

  async #run(duty: Duty): Promise<DutyOutcome> {
    try {
      return await duty.run(this.#end.signal)
    } catch (error) {
      this.#listener.onFailure(duty.name, error)
      return {}
    }
  }

  #pauseMs(periodMs: number): number {
    return periodMs * (0.5 + this.#clock.random())
  }

  get #takesTurn(): boolean {
    const { housekeepers } = this
    return housekeepers <= fewWorkers || this.#clock.random() * housekeepers < fewWorkers
  }

  // All that have heard of a moment would run then, and hear of the next one: who was too late for
  // anything is ever less likely to go on with that.
  #heeds(worked: boolean): boolean {
    return worked || this.housekeepers <= fewWorkers || this.#clock.random() < 0.5
  }
}
