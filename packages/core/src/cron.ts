import { Cron } from 'croner'
import { InvalidOptionError } from './errors.ts'

/**
 * The first time after this one that a cron expression stands for, on the clocks of a time zone.
 * A time of day that the clocks leave out in spring comes when they have moved on; one that they
 * show twice in autumn comes once. What recurs with a wildcard or a step goes by the time that has passed.
 * @throws InvalidOptionError for an expression that can't be read, or never comes
 */
export function nextCronTime(expression: string, timeZone: string, after: Date): Date {
  const next = read(expression, timeZone, after)
  if (next !== null) return next
  throw new InvalidOptionError('cron', expression, 'an expression that ever comes')
}

function read(expression: string, timeZone: string, after: Date): Date | null {
  try {
    // Paused: nothing here is to set a timer.
    const options = { paused: true, timezone: timeZone, mode: '5-or-6-parts' } as const
    return new Cron(expression, { ...options, fixedTimeRule: 'no-wildcard' }).nextRun(after)
  } catch (error) {
    const why = error instanceof Error ? ` (${error.message.replace(/^CronPattern: /, '')})` : ''
    throw new InvalidOptionError('cron', expression, `a cron expression such as '0 3 * * *'${why}`)
  }
}
