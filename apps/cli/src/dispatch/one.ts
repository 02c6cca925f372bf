import { isFinal, TaskCanceledError, TaskFailedError, TaskSkippedError } from '@tasking/core'
import type {
  DispatchedHandle,
  DispatchOutcome,
  Duration,
  JsonValue,
  Task,
  TaskError,
} from '@tasking/core'
import { CommandError } from '../command-error.ts'
import { jsonOf, note, print, printJson } from '../output.ts'

/** @throws CommandError */
export function parseInputArgument(text: string | undefined): JsonValue | undefined {
  if (text === undefined) return undefined
  try {
    return JSON.parse(text) as JsonValue
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    const advice = `A text needs its quotes, and the shell needs others around it: '"text"', '{"key": 1}'.`
    throw new CommandError('invalid_json', `The input is not JSON: ${why}.`, { advice })
  }
}

const remarks: Readonly<Record<DispatchOutcome, string | undefined>> = {
  free: undefined,
  blocked: 'It is blocked for now: "tasking explain" says by whom.',
  scheduled: 'It is not due yet.',
  twin: 'It has an incomplete twin with the same key; nothing was dispatched, this is the twin.',
  skipped: 'It was skipped: "tasking show" says why.',
  canceled: 'It was canceled: "tasking show" says why.',
}

/** Prints the id, for others to go on with, and beside it what came of the dispatch. */
export function reportDispatched({ id, outcome }: DispatchedHandle<unknown>, json: boolean): void {
  if (json) return printJson({ id, outcome })
  print(id)
  const remark = remarks[outcome]
  if (remark !== undefined) note(remark)
}

/**
 * Waits for the end of a task and prints its result, and nothing else, to standard output.
 * @throws TaskFailedError, TaskCanceledError, TaskSkippedError, ResultTimeoutError
 */
export async function reportResult(
  handle: DispatchedHandle<unknown>,
  timeout: Duration | undefined,
  json: boolean,
): Promise<void> {
  const { outcome } = handle
  if (!json && outcome !== 'skipped') note(waitingText(handle))
  const task = await handle.finished(timeout === undefined ? {} : { timeout })
  const { id, state, result, error } = task
  const completed = state === 'completed'
  if (json) printJson({ id, outcome, state, ...(completed ? { result } : { error }) })
  else if (completed) print(jsonOf(result))
  if (isFinal(state) && !completed) throw failure(task)
}

function waitingText({ id, outcome }: DispatchedHandle<unknown>): string {
  return outcome === 'twin'
    ? `Waiting for the end of ${id}, an incomplete twin with the same key.`
    : `Dispatched ${id}, waiting for its end.`
}

function failure({ id, error, cancelReason, state }: Task): Error {
  if (state === 'canceled') return new TaskCanceledError(id, cancelReason)
  const reason: TaskError = error ?? { name: 'Error', message: 'no reason recorded' }
  if (state === 'skipped') return new TaskSkippedError(id, reason)
  return new TaskFailedError(id, { ...reason, message: `${reason.name}: ${reason.message}` })
}
