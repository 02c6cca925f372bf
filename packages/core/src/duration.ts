import { InvalidOptionError } from './errors.ts'

const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** A length of time: a string with its unit (`'500ms'`, `'5s'`, `'2h'`), or milliseconds. */
export type Duration = number | `${number}${keyof typeof units}`

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
