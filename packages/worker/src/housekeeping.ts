import type { Clock, HousekeepingReport, Store } from '@tasking/core'

// Missing workers should be found within seconds, whatever their TTL.
const longestPeriodMs = 2_000
// Lost wake-ups are rare, and looking for them reads the head of every line.
const runsPerSweep = 5

export interface HousekeepingListener {
  onReport(report: HousekeepingReport): void
  onFailure(error: unknown): void
}

/**
 * What some worker does now and then for all. Every worker tries, at its own jittered moments; the
 * store lets one through at a time, and the larger the fleet the more seldom each one tries.
 */
export class Housekeeping {
  readonly #store: Store
  readonly #clock: Clock
  readonly #periodMs: number
  readonly #listener: HousekeepingListener
  readonly #end = new AbortController()
  #running: Promise<void> | undefined
  /** How many workers there are. */
  fleet = 1

  constructor(store: Store, clock: Clock, ttlMs: number, listener: HousekeepingListener) {
    this.#store = store
    this.#clock = clock
    this.#periodMs = Math.min(longestPeriodMs, ttlMs / 3)
    this.#listener = listener
  }

  start(): void {
    this.#running ??= this.#run()
  }

  async stop(): Promise<void> {
    this.#end.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#end
    for (let run = 0; !signal.aborted; run += 1) {
      const spread = 0.5 + this.#clock.random()
      await this.#clock.sleep(this.#periodMs * spread * Math.max(1, this.fleet / 4), signal)
      if (signal.aborted) return
      try {
        this.#listener.onReport(await this.#store.housekeep({ sweep: run % runsPerSweep === 0 }))
      } catch (error) {
        this.#listener.onFailure(error)
      }
    }
  }
}
