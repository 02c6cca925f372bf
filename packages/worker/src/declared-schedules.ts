import { StoreUnavailableError } from '@tasking/core'
import type { Clock, Logger, ScheduleDefinition, Tasking } from '@tasking/core'

// Hardly anything but another release heals a schedule that can't be set.
const firstPauseMs = 30_000
const longestPauseMs = 3_600_000

interface Unset {
  readonly schedule: ScheduleDefinition
  readonly pauseMs: number
  /** When it is tried, in the milliseconds of the clock. */
  readonly at: number
}

/** The schedules that a tasking declares, until each of them is set. */
export class DeclaredSchedules {
  readonly #tasking: Tasking
  readonly #clock: Clock
  readonly #logger: Logger
  #unset: readonly Unset[]

  constructor(tasking: Tasking, clock: Clock, logger: Logger) {
    this.#tasking = tasking
    this.#clock = clock
    this.#logger = logger
    this.#unset = tasking.schedules.declared.map((schedule) => {
      return { schedule, pauseMs: firstPauseMs, at: -Infinity }
    })
  }

  /**
   * Sets those that aren't set yet. One that can't be is left for later and holds up no other.
   * @throws StoreUnavailableError, as it is the fault of none
   */
  async set(): Promise<void> {
    for (const one of this.#unset) {
      if (one.at > this.#clock.now().getTime()) continue
      const later = await this.#try(one)
      this.#unset = this.#unset.flatMap((other) => (other === one ? later : [other]))
    }
  }

  /** @returns what is left to do for it */
  async #try({ schedule, pauseMs }: Unset): Promise<readonly Unset[]> {
    try {
      await this.#tasking.schedules.set(schedule)
      return []
    } catch (err) {
      if (err instanceof StoreUnavailableError) throw err
      const fields = { err, schedule: schedule.name, againInMs: pauseMs }
      this.#logger.warn(fields, 'a declared schedule could not be set')
      const at = this.#clock.now().getTime() + pauseMs
      return [{ schedule, pauseMs: Math.min(2 * pauseMs, longestPauseMs), at }]
    }
  }
}
