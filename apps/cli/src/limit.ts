import { InvalidArgumentError } from 'commander'

/** How many rows to show at most, from a flag. */
export function limit(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It must be a whole number from 1 to 999,999.')
}
