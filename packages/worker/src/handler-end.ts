import { storableText } from '@tasking/core'
import type { ClaimedTask, Completion, JsonValue, TaskError } from '@tasking/core'
import { TaskAbort, TaskTimeoutError } from './task-abort.ts'

type Ending = Pick<ClaimedTask, 'id' | 'fencingToken'>

/** What becomes of a task whose handler has returned. */
export function returned(task: Ending, result: JsonValue, reason: unknown): Completion {
  const { id, fencingToken } = task
  // What comes too late doesn't count, or nobody could rely on a timeout.
  if (reason instanceof TaskTimeoutError) return failed(task, reason)
  return { id, fencingToken, state: 'completed', result }
}

/** What becomes of a task whose handler threw, or ended with its thread or process. */
export function threw(task: Ending, thrown: unknown, reason: unknown): Completion {
  const { id, fencingToken } = task
  if (!(reason instanceof TaskAbort)) return failed(task, thrown)
  if (reason.canceled) return { id, fencingToken, state: 'canceled', error: null }
  const told = reason instanceof TaskTimeoutError || isAbort(thrown, reason)
  // A handler that stops when it is told to rarely says why; the reason does.
  return failed(task, told ? reason : thrown)
}

function failed({ id, fencingToken }: Ending, error: unknown): Completion {
  return { id, fencingToken, state: 'failed', error: toTaskError(error) }
}

function isAbort(thrown: unknown, reason: TaskAbort): boolean {
  return thrown === reason || textOf(thrown, 'name') === 'AbortError'
}

/** What was thrown as a store keeps it. Handlers throw anything, also what has no text. */
export function toTaskError(thrown: unknown): TaskError {
  const name = textOf(thrown, 'name')
  const code = textOf(thrown, 'code')
  const stack = textOf(thrown, 'stack')
  return {
    name: name ?? 'Error',
    message: textOf(thrown, 'message') ?? asText(thrown),
    ...(code !== undefined && { code }),
    ...(stack !== undefined && { stack }),
  }
}

function textOf(thrown: unknown, key: keyof TaskError): string | undefined {
  if (!(thrown instanceof Error)) return undefined
  try {
    const value: unknown = Reflect.get(thrown, key)
    return typeof value === 'string' ? storableText(value) : undefined
  } catch {
    return undefined
  }
}

function asText(thrown: unknown): string {
  try {
    return storableText(String(thrown))
  } catch {
    return `The handler threw an ${typeof thrown} without a text.`
  }
}
