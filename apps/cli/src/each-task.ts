import type { Command } from 'commander'
import { TaskNotFoundError, TaskStateError } from '@tasking/core'
import type { TaskId, Tasking, TaskState } from '@tasking/core'
import { withTasking } from './connection.ts'
import { reportFailure } from './failure.ts'
import { globalFlags } from './global-flags.ts'
import { print, printJson } from './output.ts'

interface Outcome {
  readonly id: TaskId
  /** Undefined where there is no such task, or no more. */
  readonly state?: TaskState | undefined
  readonly refusal?: TaskNotFoundError | TaskStateError
}

/**
 * Does something to each of several tasks, also where it is refused for one; then the exit code is 1.
 * @param act returns the state that the task is in then
 * @param text what to print where it was done
 */
export async function forEachTask(
  command: Command,
  ids: readonly TaskId[],
  act: (tasking: Tasking, id: TaskId) => Promise<TaskState | undefined>,
  text: (id: TaskId, state: TaskState | undefined) => string,
): Promise<void> {
  const { json } = globalFlags(command)
  await withTasking(command, async (tasking) => {
    const outcomes: Outcome[] = []
    for (const id of ids) {
      const outcome = await outcomeOf(id, () => act(tasking, id))
      outcomes.push(outcome)
      if (json) continue
      if (outcome.refusal) reportFailure(outcome.refusal, false)
      else print(text(id, outcome.state))
    }
    if (json) printJson(outcomes.map(toJson))
    if (outcomes.some(({ refusal }) => refusal)) process.exitCode = 1
  })
}

async function outcomeOf(id: TaskId, act: () => Promise<TaskState | undefined>): Promise<Outcome> {
  try {
    return { id, state: await act() }
  } catch (error) {
    if (error instanceof TaskNotFoundError) return { id, refusal: error }
    if (error instanceof TaskStateError) return { id, state: error.state, refusal: error }
    throw error
  }
}

function toJson({ id, state, refusal }: Outcome): object {
  const error = refusal && { code: refusal.code, message: refusal.message }
  return { id, state, error }
}
