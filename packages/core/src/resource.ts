import { InvalidResourceError } from './errors.ts'

/** How a task holds a resource: shared goes with shared, exclusive goes with nothing. */
export type ReservationMode = 'exclusive' | 'shared'

/** The resources that a task asks for. One named in both lists is reserved exclusively. */
export interface ResourceRequest {
  readonly exclusive?: readonly string[]
  readonly shared?: readonly string[]
}

/** A request in its normal form: valid names, sorted, each in one list and there once. */
export interface Resources {
  readonly exclusive: readonly string[]
  readonly shared: readonly string[]
}

/** The longest name of a resource, in UTF-8 bytes: PostgreSQL's index entries end at 2,704. */
export const maxResourceBytes = 1_000

const utf8 = new TextEncoder()

/**
 * The request in its normal form.
 * @throws InvalidResourceError for an empty or overlong name, one with a NUL character or half a
 *   surrogate pair, or one that isn't a string
 */
export function normalizeResources(request: ResourceRequest | undefined): Resources {
  const exclusive = names(request?.exclusive, 'exclusive')
  const shared = names(request?.shared, 'shared')
  for (const name of exclusive) shared.delete(name)
  return { exclusive: [...exclusive].toSorted(), shared: [...shared].toSorted() }
}

function names(list: unknown, mode: ReservationMode): Set<string> {
  if (list === undefined) return new Set()
  if (!Array.isArray(list)) {
    throw new InvalidResourceError(list, `"${mode}" must be an array of names`)
  }
  return new Set(list.map(checkedName))
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
