import { InvalidOptionError } from './errors.ts'

const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** A length of time: a string with its unit (`'500ms'`, `'5s'`, `'2h'`), or milliseconds. */
export type Duration = number | `${number}${keyof typeof units}`

/**
 * A duration as people write it, in the largest unit that gives a whole number: `'90s'`, `'2h'`.
 * @param ms in milliseconds; a fraction of one is rounded
 */
export function durationText(ms: number): string {
  const whole = Math.round(ms)
  const [unit, size] = Object.entries(units).findLast(([, each]) => whole % each === 0) ?? ['ms', 1]
  return whole === 0 ? '0ms' : `${whole / size}${unit}`
}

const pattern = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)$/

/**
 * A duration in milliseconds.
 * @param option names the option in the error
 * @throws InvalidOptionError unless it is a non-negative number with a known unit
 */
export function milliseconds(duration: Duration, option = 'duration'): number {
  if (typeof duration === 'number' && duration >= 0 && Number.isFinite(duration)) return duration
  const match = pattern.exec(String(duration))
  const [, amount, unit] = match ?? []
  if (amount === undefined || unit === undefined) {
    throw new InvalidOptionError(option, duration, "a duration such as '500ms', '5s', '10m', '2h'")
  }
  return Number(amount) * units[unit as keyof typeof units]
}

/**
 * How long a handler may run, in milliseconds.
 * @throws InvalidOptionError also for no time at all
 */
export function timeoutMilliseconds(timeout: Duration): number {
  const ms = milliseconds(timeout, 'timeout')
  if (ms > 0) return ms
  throw new InvalidOptionError('timeout', timeout, 'a duration longer than 0')
}
