import { finalStates, InvalidOptionError, milliseconds, purge } from '@tasking/core'
import type { Clock, Duration, FinalState, Logger, Store } from '@tasking/core'
import type { WorkerEvent } from './event.ts'
import type { Duty, DutyOutcome } from './housekeeping.ts'

/** How often each duty of the housekeeping is done by the whole fleet, roughly. */
export interface DutyPeriods {
  /** Looking for missing workers. Default 2 s, at most a third of the TTL. */
  readonly missing?: Duration
  /** Looking for lost wake-ups, which reads the head of every line. Default five times as seldom. */
  readonly sweep?: Duration
  /** Deleting finished tasks, where there is a policy for that. Default 1 h. */
  readonly purge?: Duration
  /** Measuring how much there is to do. Default 15 s. */
  readonly metrics?: Duration
  /** Looking for schedules that are due, unless it is known when one will be. Default 2 s. */
  readonly schedules?: Duration
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
  const settings = {
    ...{ missing, sweep: period('sweep', 5 * missing) },
    ...{ purge: period('purge', 3_600_000), metrics: period('metrics', 15_000) },
    schedules: period('schedules', 2_000),
  }
  const unknown = Object.keys(periods).find((name) => !(name in settings))
  if (unknown === undefined) return settings
  const duties = Object.keys(settings).join(', ')
  throw new InvalidOptionError('housekeeping', unknown, `one of the duties ${duties}`)
}

/** How old finished tasks get, by their state, until they are deleted; others stay. */
export type PurgePolicy = { readonly [State in FinalState]?: Duration }

/** The same in milliseconds. */
export type PurgeAges = readonly (readonly [state: FinalState, ms: number])[]

interface DutySurroundings {
  readonly store: Store
  readonly clock: Clock
  readonly duties: DutySettings
  readonly purge: PurgeAges
  readonly logger: Logger
  readonly onEvent: (event: WorkerEvent) => void
  /** Called when there may be something to claim. */
  readonly onFound: () => void
  /** Called with the milliseconds until the next scheduled task is due; `null` for none. */
  readonly onNextDue: (inMs: number | null) => void
}

/** What there is to do for all. */
export function dutiesOf(surroundings: DutySurroundings): readonly Duty[] {
  const { store, clock, duties: periods, purge: ages, logger } = surroundings
  const { onEvent, onFound, onNextDue } = surroundings
  const housekeep = async (sweep: boolean): Promise<DutyOutcome> => {
    const report = await store.housekeep({ sweep })
    const { missingWorkers, lostTasks, unblocked } = report
    onNextDue(report.nextDueMs)
    const worked = missingWorkers.length > 0 || lostTasks > 0 || unblocked > 0
    if (worked) {
      logger.warn({ missingWorkers, lostTasks, unblocked }, 'housekeeping had to step in')
      onFound()
    }
    return { worked }
  }
  const purgeAll = async (signal: AbortSignal): Promise<DutyOutcome> => {
    let purged = 0
    for (const [state, olderThan] of ages) {
      purged += await purge(store, clock.now(), { states: [state], olderThan, signal })
    }
    if (purged > 0) logger.info({ purged }, 'purged finished tasks')
    return { worked: purged > 0 }
  }
  const measure = async (): Promise<DutyOutcome> => {
    const metrics = await store.metrics()
    const { queues: _queues, ...sums } = metrics
    logger.debug(sums, 'measured')
    onEvent({ kind: 'measured', metrics })
    return {}
  }
  return [
    { name: 'missing', periodMs: periods.missing, run: () => housekeep(false) },
    { name: 'sweep', periodMs: periods.sweep, run: () => housekeep(true) },
    { name: 'metrics', periodMs: periods.metrics, run: measure },
    ...(ages.length > 0 ? [{ name: 'purge', periodMs: periods.purge, run: purgeAll }] : []),
  ]
}

/** @throws InvalidOptionError */
export function purgeAges(policy: PurgePolicy): PurgeAges {
  const unknown = Object.keys(policy).find((state) => !finalStates.some((final) => final === state))
  if (unknown !== undefined) {
    throw new InvalidOptionError('purge', unknown, `one of the states ${finalStates.join(', ')}`)
  }
  return finalStates.flatMap((state) => {
    const age = policy[state]
    return age === undefined ? [] : [[state, milliseconds(age, `purge.${state}`)] as const]
  })
}
