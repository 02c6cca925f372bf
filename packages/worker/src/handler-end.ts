import { retryDelayMs, storableText } from '@tasking/core'
import type {
  AnyTaskDefinition,
  ClaimedTask,
  Completion,
  JsonValue,
  Logger,
  Orphan,
  TaskError,
} from '@tasking/core'
import { TaskAbort, TaskTimeoutError } from './task-abort.ts'

/** A task whose handler ends, and what its definition says of failures. */
export interface Ending {
  readonly task: Pick<ClaimedTask, 'id' | 'fencingToken' | 'attempt'>
  /** Not there where nobody knows it. */
  readonly definition: Pick<AnyTaskDefinition, 'retry' | 'ifWorkerMissing' | 'cleanUp'> | undefined
  /** From 0 to less than 1. */
  readonly random: () => number
  /** The task's own. */
  readonly log: Logger
}

/** What becomes of a task whose handler has returned. */
export function returned(ending: Ending, result: JsonValue, reason: unknown): Completion {
  const { id, fencingToken } = ending.task
  // What comes too late doesn't count, or nobody could rely on a timeout.
  if (reason instanceof TaskTimeoutError) return failed(ending, reason, reason)
  return { id, fencingToken, state: 'completed', result }
}

/** What becomes of a task whose handler threw, or ended with its thread or process. */
export function threw(ending: Ending, thrown: unknown, reason: unknown): Completion {
  const { id, fencingToken } = ending.task
  if (!(reason instanceof TaskAbort)) return failed(ending, thrown, reason)
  if (reason.canceled) return { id, fencingToken, state: 'canceled', error: null }
  const told = reason instanceof TaskTimeoutError || isAbort(thrown, reason)
  // A handler that stops when it is told to rarely says why; the reason does.
  return failed(ending, told ? reason : thrown, reason)
}

/** How a task ends whose worker has gone: the store keeps to what was said then. */
export function orphanEnd(
  { id, fencingToken }: Pick<ClaimedTask, 'id' | 'fencingToken'>,
  { endsAs, error }: Orphan,
): Completion {
  return { id, fencingToken, state: endsAs, error: endsAs === 'failed' ? error : null }
}

function failed({ task, definition, random, log }: Ending, thrown: unknown, reason: unknown) {
  const { id, fencingToken, attempt } = task
  const interrupted = reason instanceof TaskAbort && reason.code === 'worker_stopping'
  const retry =
    interrupted && definition?.ifWorkerMissing !== 'retry' ? undefined : definition?.retry
  const delayMs = retryDelayMs(
    retry,
    { attempt, error: thrown, interrupted },
    random,
    (rule, err) => log.warn({ err, rule }, 'a function of the retry policy threw'),
  )
  const error = toTaskError(thrown)
  const keepPlace = retry?.keepPlace ?? false
  return delayMs === undefined
    ? ({ id, fencingToken, state: 'failed', error } satisfies Completion)
    : ({ id, fencingToken, state: 'retry', error, delayMs, keepPlace } satisfies Completion)
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
