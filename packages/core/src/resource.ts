import { InvalidResourceError } from './errors.ts'

/**
 * How a task holds a resource: shared goes with shared and counted, exclusive goes with nothing,
 * counted goes with shared and with counted as far as the capacity lasts.
 */
export type ReservationMode = 'exclusive' | 'shared' | 'counted'

/** So much of a resource that has a capacity: two of eight GPUs. */
export interface CountedRequest {
  readonly resource: string
  /** A whole number of units from 1 to the capacity. Default 1. */
  readonly amount?: number
  /** How many units there are. Say the same everywhere: each task goes by its own word. */
  readonly capacity: number
}

/**
 * The resources that a task asks for. The stronger mode wins where one is named twice: exclusive,
 * then counted, then shared.
 */
export interface ResourceRequest {
  readonly exclusive?: readonly string[]
  readonly shared?: readonly string[]
  readonly counted?: readonly CountedRequest[]
}

/** A request in its normal form: valid names, sorted, each in one list and there once. */
export interface Resources {
  readonly exclusive: readonly string[]
  readonly shared: readonly string[]
  /** Left out where there are none. */
  readonly counted?: readonly Required<CountedRequest>[]
}

/** The longest name of a resource, in UTF-8 bytes: PostgreSQL's index entries end at 2,704. */
export const maxResourceBytes = 1_000

/** The largest capacity: a check of a place in line reads as many places before it. */
export const maxCapacity = 10_000

const utf8 = new TextEncoder()

/**
 * The request in its normal form.
 * @throws InvalidResourceError for an empty or overlong name, one with a NUL character or half a
 *   surrogate pair, or one that isn't a string; for an amount or a capacity out of range; for a
 *   resource that is counted twice
 */
export function normalizeResources(request: ResourceRequest | undefined): Resources {
  const exclusive = names(request?.exclusive, 'exclusive')
  const shared = names(request?.shared, 'shared')
  const counted = counts(request?.counted).filter(({ resource }) => !exclusive.has(resource))
  for (const name of exclusive) shared.delete(name)
  for (const { resource } of counted) shared.delete(resource)
  return {
    exclusive: [...exclusive].toSorted(),
    shared: [...shared].toSorted(),
    ...(counted.length > 0 && { counted }),
  }
}

/** The part of a request that is this one resource. */
export function partOf(
  { exclusive, shared, counted = [] }: Resources,
  resource: string,
): Resources {
  return {
    exclusive: exclusive.filter((name) => name === resource),
    shared: shared.filter((name) => name === resource),
    counted: counted.filter((count) => count.resource === resource),
  }
}

function names(list: unknown, mode: ReservationMode): Set<string> {
  if (list === undefined) return new Set()
  if (!Array.isArray(list)) {
    throw new InvalidResourceError(list, `"${mode}" must be an array of names`)
  }
  return new Set(list.map(checkedName))
}

function counts(list: unknown): Required<CountedRequest>[] {
  if (list === undefined) return []
  if (!Array.isArray(list)) {
    throw new InvalidResourceError(list, '"counted" must be an array of { resource, capacity }')
  }
  const counted = list.map(checkedCount)
  const seen = new Set<string>()
  for (const { resource } of counted) {
    if (seen.has(resource)) throw new InvalidResourceError(resource, 'it is counted twice')
    seen.add(resource)
  }
  return counted.toSorted((a, b) => (a.resource < b.resource ? -1 : 1))
}

function checkedCount(entry: unknown): Required<CountedRequest> {
  if (typeof entry !== 'object' || entry === null) {
    throw new InvalidResourceError(entry, 'a counted one is { resource, amount, capacity }')
  }
  const fields: Partial<Record<string, unknown>> = { ...entry }
  const resource = checkedName(fields['resource'])
  const capacity = wholeNumber(fields['capacity'])
  const amount = fields['amount'] === undefined ? 1 : wholeNumber(fields['amount'])
  if (capacity === undefined || capacity > maxCapacity) {
    const range = `a whole number from 1 to ${maxCapacity.toLocaleString('en')}`
    throw new InvalidResourceError(resource, `its capacity must be ${range}`)
  }
  if (amount === undefined || amount > capacity) {
    const range = `a whole number from 1 to its capacity, ${capacity}`
    throw new InvalidResourceError(resource, `its amount must be ${range}`)
  }
  return { resource, amount, capacity }
}

function wholeNumber(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 ? value : undefined
}

function checkedName(name: unknown): string {
  if (typeof name !== 'string') throw new InvalidResourceError(name, 'a name is a string')
  if (name === '') throw new InvalidResourceError(name, 'the name is empty')
  if (name.includes('\0')) throw new InvalidResourceError(name, 'it holds a NUL character')
  if (!name.isWellFormed()) throw new InvalidResourceError(name, 'it holds half a surrogate pair')
  // A UTF-16 unit takes at most three bytes, so short names need no counting.
  if (name.length * 3 > maxResourceBytes && utf8.encode(name).length > maxResourceBytes) {
    throw new InvalidResourceError(name, `it is longer than ${maxResourceBytes} bytes`)
  }
  return name
}
