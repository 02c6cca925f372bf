import { InvalidArgumentError } from 'commander'

export function positiveNumber(text: string): number {
  const number = Number(text)
  if (number > 0 && Number.isFinite(number)) return number
  throw new InvalidArgumentError('It must be a number above 0.')
}

export function wholeNumber(text: string): number {
  const number = positiveNumber(text)
  if (Number.isInteger(number)) return number
  throw new InvalidArgumentError('It must be a whole number above 0.')
}
