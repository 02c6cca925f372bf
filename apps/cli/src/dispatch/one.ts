import { isFinal, TaskCanceledError, TaskFailedError } from '@tasking/core'
import type { Duration, JsonValue, Task, TaskHandle } from '@tasking/core'
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

/** Prints the id, for others to go on with. */
export function reportDispatched({ id }: TaskHandle<unknown>, json: boolean): void {
  if (json) printJson({ id })
  else print(id)
}

/**
 * Waits for the end of a task and prints its result, and nothing else, to standard output.
 * @throws TaskFailedError, TaskCanceledError, ResultTimeoutError
 */
export async function reportResult(
  handle: TaskHandle<unknown>,
  timeout: Duration | undefined,
  json: boolean,
): Promise<void> {
  if (!json) note(`Dispatched ${handle.id}, waiting for its end.`)
  const task = await handle.finished(timeout === undefined ? {} : { timeout })
  const { id, state, result, error } = task
  if (json) printJson(state === 'completed' ? { id, state, result } : { id, state, error })
  else if (state === 'completed') print(jsonOf(result))
  if (isFinal(state) && state !== 'completed') throw failure(task)
}

function failure({ id, error, cancelReason, state }: Task): Error {
  if (state === 'canceled') return new TaskCanceledError(id, cancelReason)
  const { name, message } = error ?? { name: 'Error', message: 'no reason recorded' }
  return new TaskFailedError(id, { name, message: `${name}: ${message}` })
}
