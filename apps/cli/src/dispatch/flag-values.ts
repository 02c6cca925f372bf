import { InvalidArgumentError } from 'commander'
import { InvalidOptionError, milliseconds } from '@tasking/core'
import type { CountedRequest, Duration } from '@tasking/core'

/** A counted resource as a flag has it, such as `gpu=2/8`: two of eight. Its name may hold a `=`. */
export function counts(
  text: string,
  before: readonly CountedRequest[] = [],
): readonly CountedRequest[] {
  const [, resource, amount, capacity] = /^(.+)=(\d{1,9})\/(\d{1,9})$/s.exec(text) ?? []
  if (resource === undefined) {
    throw new InvalidArgumentError("It must be like 'gpu=2/8': a resource, an amount, a capacity.")
  }
  return [...before, { resource, amount: Number(amount), capacity: Number(capacity) }]
}

export function wholeNumber(text: string): number {
  if (/^-?\d{1,9}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It must be a whole number.')
}

export function lineCount(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It must be a whole number of lines.')
}

/** A moment such as `2030-01-31T08:00:00Z`; without a zone it is one of this machine's. */
export function moment(text: string): Date {
  const at = new Date(text)
  if (/^\d{4}-\d\d-\d\d/.test(text) && !Number.isNaN(at.getTime())) return at
  throw new InvalidArgumentError("It must be a time such as '2030-01-31T08:00:00Z'.")
}

export function duration(text: string): Duration {
  try {
    milliseconds(text as Duration)
  } catch (error) {
    if (!(error instanceof InvalidOptionError)) throw error
    throw new InvalidArgumentError(`It must be a duration such as '5s' or '10m', if any.`)
  }
  return text as Duration
}
