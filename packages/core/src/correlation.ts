import { AsyncLocalStorage } from 'node:async_hooks'
import { InvalidOptionError } from './errors.ts'
import { isName } from './name.ts'

// One for all taskings of a process: it belongs to what is being done, whoever dispatches. Imported
// as it is and not given, since every runtime of servers has it and it does nothing by itself.
const current = new AsyncLocalStorage<string | undefined>()

/**
 * Runs something under a correlation id: tasks that it dispatches get it, and so do their children.
 * @param id at most 200 characters; `undefined` for none, whatever surrounds it
 * @throws InvalidOptionError
 */
export function withCorrelationId<T>(id: string | undefined, run: () => T): T {
  return current.run(id === undefined ? undefined : checkedCorrelationId(id), run)
}

/** The correlation id under which this runs, if any: that of the task, within a handler. */
export function correlationId(): string | undefined {
  return current.getStore()
}

/** @throws InvalidOptionError */
export function checkedCorrelationId(id: unknown): string {
  if (isName(id, 200)) return id
  throw new InvalidOptionError('correlationId', id, 'a text of 1 to 200 characters')
}
