import {
  GroupClosedError,
  GroupNotFoundError,
  ResourcesBusyError,
  StoreUnavailableError,
  TaskingError,
  WorkerMissingError,
} from '@tasking/core'

/** The database has no tables of Tasking. */
export class SchemaMissingError extends TaskingError {
  constructor(address: string, schema: string) {
    super(
      'schema_missing',
      `There is no Tasking schema "${schema}" in the database at ${address}. Run "tasking migrate" first.`,
    )
  }
}

/** The database is behind the code. */
export class SchemaOutdatedError extends TaskingError {
  constructor(address: string, found: number, wanted: number) {
    super(
      'schema_outdated',
      `The schema in the database at ${address} is at version ${found}, this code needs ${wanted}. Run "tasking migrate".`,
    )
  }
}

/** The database is ahead of the code: too far to be used, or at least to be migrated. */
export class SchemaNewerError extends TaskingError {
  constructor(address: string, found: number, client: number, oldestClient: number) {
    const why =
      client < oldestClient
        ? `which refuses clients older than ${oldestClient}. This code is a client of version ${client}: update @tasking/store-pg.`
        : `and this code can work with that, but it can't migrate it: it knows version ${client} at most. Migrate with the newest @tasking/store-pg.`
    super('schema_newer', `The schema in the database at ${address} is at version ${found}, ${why}`)
  }
}

/** The driver, as it is set up, would lose what the store writes. */
export class UnsafeDriverError extends TaskingError {
  constructor(address: string, why: string) {
    super('unsafe_driver', `The database at ${address} can't be used like this: ${why}`)
  }
}

/** The server answers, but not us: a wrong password, no such database, no right to it. */
export class StoreRefusedError extends TaskingError {
  constructor(address: string, why: string, options?: ErrorOptions) {
    super('store_refused', `The database at ${address} refuses: ${why}.`, options)
  }
}

/** The caller's transaction can't see what a dispatch on a condition has to look at. */
export class TransactionIsolationError extends TaskingError {
  constructor(why: string) {
    super('transaction_isolation', `This can't be dispatched in this transaction: ${why}.`)
  }
}

/** One transaction has dispatched so often that its locks would soon be all that the server has. */
export class TooManyLocksError extends TaskingError {
  constructor(why: string) {
    super('too_many_locks', `This can't be dispatched any more: ${why}. Dispatch in one batch.`)
  }
}

// Not what was asked is at fault, but the server or the way to it: no connection (08), read-only as
// in a failover (25006), out of resources (53), stopped from outside (57), system error (58, XX).
const unavailableStates = /^(?:08...|25006|25P03|53...|57...|58...|XX...)$/
const unavailableCodes = new Set([
  'ECONNABORTED',
  'ECONNREFUSED',
  'EHOSTDOWN',
  'ENETDOWN',
  'ENOENT',
  'ECONNRESET',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'CONNECTION_CLOSED',
  'CONNECTION_DESTROYED',
  'CONNECTION_ENDED',
  'CONNECT_TIMEOUT',
])

// node-postgres reports some losses of a connection by words alone.
const unavailableWords = /connection terminated|timeout exceeded when trying to connect/i

/** Serialisation failure, deadlock, lock not available: whoever repeats it will get through. */
const repeatableStates = new Set(['40001', '40P01', '55P03'])

// Class 28 is "invalid authorization", 3D000 an unknown database, 42501 a missing privilege.
const refusedStates = /^(?:28...|3D000|42501)$/

const missingObjectStates = new Set(['3F000', '42P01', '42883'])

/** The SQLSTATE or system error code of an error, if it has one. */
export function codeOf(error: unknown): string | undefined {
  const driverError = driverErrorIn(error)
  if (typeof driverError !== 'object' || driverError === null) return undefined
  return 'code' in driverError ? String(driverError.code) : undefined
}

// Drizzle wraps what the driver throws.
function driverErrorIn(error: unknown): unknown {
  const wrapped = error instanceof Error && !('code' in error) && error.cause instanceof Error
  return wrapped ? driverErrorIn(error.cause) : error
}

export function isConflict(error: unknown): boolean {
  return repeatableStates.has(codeOf(error) ?? '')
}

export function isUnavailable(error: unknown): boolean {
  if (error instanceof StoreUnavailableError) return true
  const code = codeOf(error)
  if (code !== undefined) return unavailableCodes.has(code) || unavailableStates.test(code)
  const driverError = driverErrorIn(error)
  return driverError instanceof Error && unavailableWords.test(driverError.message)
}

/** A driver's error as one of Tasking's, where there is one for it. */
export function translated(
  error: unknown,
  place: { readonly address: string; readonly schema: string },
): unknown {
  if (error instanceof TaskingError) return error
  const driverError = driverErrorIn(error)
  const message = driverError instanceof Error ? driverError.message : String(driverError)
  if (isUnavailable(error)) {
    return new StoreUnavailableError(place.address, message || (codeOf(error) ?? 'unknown'), {
      cause: error,
    })
  }
  const code = codeOf(error) ?? ''
  if (code === 'TK002') return resourcesBusy(driverError)
  if (code === 'TK003') return groupError(driverError, message)
  if (code === 'TK004') return new TransactionIsolationError(message)
  if (code === 'TK005') return new TooManyLocksError(message)
  if (code === 'TK001') return new WorkerMissingError(/worker (\S+)/.exec(message)?.[1] ?? '')
  if (refusedStates.test(code)) {
    return new StoreRefusedError(place.address, message, { cause: error })
  }
  if (missingObjectStates.has(code)) return new SchemaMissingError(place.address, place.schema)
  return error
}

// postgres.js and node-postgres both hand on what the server says in detail.
function detailOf(driverError: unknown): string | undefined {
  if (typeof driverError !== 'object' || driverError === null) return undefined
  return 'detail' in driverError ? String(driverError.detail) : undefined
}

function resourcesBusy(driverError: unknown): TaskingError {
  const detail = detailOf(driverError) ?? '{}'
  const { resource = '', index = 0 } = JSON.parse(detail) as { resource?: string; index?: number }
  return new ResourcesBusyError(resource, index)
}

function groupError(driverError: unknown, message: string): TaskingError {
  const groupId = /group (\S+)/.exec(message)?.[1] ?? ''
  return detailOf(driverError) === 'group_closed'
    ? new GroupClosedError(groupId)
    : new GroupNotFoundError(groupId)
}
