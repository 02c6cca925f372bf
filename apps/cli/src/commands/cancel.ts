import { Command } from 'commander'
import { TaskNotFoundError, TaskStateError } from '@tasking/core'
import type { TaskId, Tasking, TaskState } from '@tasking/core'
import { withTasking } from '../connection.ts'
import { reportFailure } from '../failure.ts'
import { globalFlags } from '../global-flags.ts'
import { print, printJson } from '../output.ts'

const more = `
A waiting task is canceled at once; a running one is asked to stop, and is "canceling" until its
handler has ended. Where one can't be canceled, the others are all the same; the exit code is 1.

Examples:
  tasking cancel 0198f2c4-6a5e-7b1c-9d0e-3f2a1b4c5d6e --reason 'wrong repository'
  tasking list --state waiting --name import --json | jq -r '.[].id' | xargs tasking cancel`

export function cancelCommand(): Command {
  return new Command('cancel')
    .description('Cancel tasks.')
    .argument('<task...>', 'the ids of the tasks')
    .option('--reason <text>', 'why, for whoever looks at the task later')
    .addHelpText('after', more)
    .action(async (ids: string[], { reason }: { reason?: string }, command: Command) => {
      await withTasking(command, async (tasking) => {
        const outcomes: Outcome[] = []
        for (const id of ids) {
          const outcome = await cancel(tasking, id, reason)
          outcomes.push(outcome)
          if (!globalFlags(command).json) report(outcome)
        }
        if (globalFlags(command).json) printJson(outcomes.map(toJson))
        if (outcomes.some(({ refusal }) => refusal)) process.exitCode = 1
      })
    })
}

interface Outcome {
  readonly id: TaskId
  readonly state?: TaskState
  readonly refusal?: TaskNotFoundError | TaskStateError
}

async function cancel(tasking: Tasking, id: TaskId, reason?: string): Promise<Outcome> {
  try {
    const { state } = await tasking.cancel(id, reason)
    return { id, state }
  } catch (error) {
    if (error instanceof TaskNotFoundError) return { id, refusal: error }
    if (error instanceof TaskStateError) return { id, state: error.state, refusal: error }
    throw error
  }
}

function report({ id, state, refusal }: Outcome): void {
  if (refusal !== undefined) reportFailure(refusal, false)
  else
    print(
      state === 'canceling' ? `${id} canceling: its worker is asked to stop it` : `${id} ${state}`,
    )
}

function toJson({ id, state, refusal }: Outcome): object {
  const error = refusal && { code: refusal.code, message: refusal.message }
  return { id, state, error }
}
