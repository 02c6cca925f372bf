import { nextCronTime } from './cron.ts'
import { milliseconds } from './duration.ts'
import type { Duration } from './duration.ts'
import { InvalidOptionError } from './errors.ts'

/** When a schedule is due: by a cron expression, at intervals, or once. */
export type TimingRequest =
  | {
      /** Five fields, or six with seconds before them: `'0 3 * * 1-5'`; also `'@daily'` and the like. */
      readonly cron: string
      /** On whose clocks, such as `'Europe/Berlin'`. Default `'UTC'`. */
      readonly timeZone?: string | undefined
      readonly every?: undefined
      readonly at?: undefined
    }
  | {
      /** At least a second. */
      readonly every: Duration
      /** The first time. Default: one interval after it is set. */
      readonly at?: Date | undefined
      readonly cron?: undefined
      readonly timeZone?: undefined
    }
  | {
      /** Once; a time that is over already means at once. */
      readonly at: Date
      readonly every?: undefined
      readonly cron?: undefined
      readonly timeZone?: undefined
    }

/** The same as a store keeps it, and compares it; times are in ISO 8601. */
export type Timing =
  | { readonly cron: string; readonly timeZone: string }
  | { readonly everyMs: number; readonly at?: string }
  | { readonly at: string }

const shortestIntervalMs = 1_000

/** @throws InvalidOptionError */
export function checkedTiming({ cron, every, at, timeZone }: TimingRequest): Timing {
  if (cron !== undefined) {
    if (every !== undefined || at !== undefined) throw ambiguous()
    if (typeof cron !== 'string' || /\dT\d/.test(cron)) {
      throw new InvalidOptionError('cron', cron, "a cron expression such as '0 3 * * *'")
    }
    const timing = { cron: cron.trim(), timeZone: checkedTimeZone(timeZone ?? 'UTC') }
    nextCronTime(timing.cron, timing.timeZone, new Date(0))
    return timing
  }
  if (timeZone !== undefined) {
    throw new InvalidOptionError('timeZone', timeZone, 'of any use without cron')
  }
  if (every !== undefined) {
    const everyMs = Math.round(milliseconds(every, 'every'))
    if (everyMs < shortestIntervalMs) {
      throw new InvalidOptionError('every', every, 'an interval of at least a second')
    }
    return { everyMs, ...(at !== undefined && { at: checkedTime(at) }) }
  }
  if (at === undefined) throw ambiguous()
  return { at: checkedTime(at) }
}

/** When a schedule that is set now is due first. */
export function firstTime(timing: Timing, now: Date): Date {
  if ('cron' in timing) return nextCronTime(timing.cron, timing.timeZone, now)
  if (timing.at !== undefined) return new Date(timing.at)
  return new Date(now.getTime() + ('everyMs' in timing ? timing.everyMs : 0))
}

/**
 * When it is due after this time, `null` for never again. However much has been missed before, that
 * is one time: there is no burst after an outage.
 * @param last when it was due before; intervals go on from there
 */
export function timeAfter(timing: Timing, last: Date, now: Date): Date | null {
  if ('cron' in timing) return nextCronTime(timing.cron, timing.timeZone, now)
  if (!('everyMs' in timing)) return null
  const passed = Math.max(0, now.getTime() - last.getTime())
  return new Date(last.getTime() + (Math.floor(passed / timing.everyMs) + 1) * timing.everyMs)
}

function checkedTimeZone(timeZone: string): string {
  try {
    new Intl.DateTimeFormat('en', { timeZone })
    return timeZone
  } catch {
    throw new InvalidOptionError('timeZone', timeZone, "a time zone such as 'Europe/Berlin'")
  }
}

function checkedTime(at: Date): string {
  if (at instanceof Date && !Number.isNaN(at.getTime())) return at.toISOString()
  throw new InvalidOptionError('at', at, 'a Date')
}

function ambiguous(): InvalidOptionError {
  return new InvalidOptionError('timing', null, 'one of cron, every and at, or every with at')
}
