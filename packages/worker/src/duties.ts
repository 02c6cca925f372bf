import { InvalidOptionError, milliseconds } from '@tasking/core'
import type { Duration, Logger, Store } from '@tasking/core'
import type { Duty, DutyOutcome } from './housekeeping.ts'

/** How often each duty of the housekeeping is done by the whole fleet, roughly. */
export interface DutyPeriods {
  /** Looking for missing workers. Default 2 s, at most a third of the TTL. */
  readonly missing?: Duration
  /** Looking for lost wake-ups, which reads the head of every line. Default five times as seldom. */
  readonly sweep?: Duration
}

/** The same in milliseconds. */
export type DutySettings = { readonly [Name in keyof DutyPeriods]-?: number }

const shortestPeriodMs = 100

/** @throws InvalidOptionError */
export function dutySettings(periods: DutyPeriods, ttlMs: number): DutySettings {
  const period = (name: keyof DutyPeriods, fallback: number) => {
    const ms = milliseconds(periods[name] ?? fallback, `housekeeping.${name}`)
    if (ms >= shortestPeriodMs) return ms
    throw new InvalidOptionError(
      `housekeeping.${name}`,
      periods[name],
      'a duration of at least 100ms',
    )
  }
  // Missing workers should be found within seconds, whatever their TTL.
  const missing = period('missing', Math.min(2_000, ttlMs / 3))
  const settings = { missing, sweep: period('sweep', 5 * missing) }
  const unknown = Object.keys(periods).find((name) => !(name in settings))
  if (unknown === undefined) return settings
  const duties = Object.keys(settings).join(', ')
  throw new InvalidOptionError('housekeeping', unknown, `one of the duties ${duties}`)
}

/**
 * What there is to do for all.
 * @param onFound called when there may be something to claim
 */
export function dutiesOf(
  store: Store,
  settings: DutySettings,
  logger: Logger,
  onFound: () => void,
): readonly Duty[] {
  const housekeep = async (sweep: boolean): Promise<DutyOutcome> => {
    const { missingWorkers, lostTasks, unblocked } = await store.housekeep({ sweep })
    const worked = missingWorkers.length > 0 || lostTasks > 0 || unblocked > 0
    if (worked) {
      logger.warn({ missingWorkers, lostTasks, unblocked }, 'housekeeping had to step in')
      onFound()
    }
    return { worked }
  }
  return [
    { name: 'missing', periodMs: settings.missing, run: () => housekeep(false) },
    { name: 'sweep', periodMs: settings.sweep, run: () => housekeep(true) },
  ]
}
