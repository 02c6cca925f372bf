import { Command } from 'commander'
import type { TaskState } from '@tasking/core'
import { forEachTask } from '../each-task.ts'

const more = `
A waiting task is canceled at once; a running one is asked to stop, and is "canceling" until its
handler has ended. One that waits for the clean-up after its lost worker is canceled after that.
Where one can't be canceled, the others are all the same; the exit code is 1.

Examples:
  tasking cancel 0198f2c4-6a5e-7b1c-9d0e-3f2a1b4c5d6e --reason 'wrong repository'
  tasking list --state waiting --name import --json | jq -r '.[].id' | xargs tasking cancel`

export function cancelCommand(): Command {
  return new Command('cancel')
    .description('Cancel tasks.')
    .argument('<task...>', 'the ids of the tasks')
    .option('--reason <text>', 'why, for whoever looks at the task later')
    .addHelpText('after', more)
    .action((ids: string[], { reason }: { reason?: string }, command: Command) =>
      forEachTask(
        command,
        ids,
        async (tasking, id) => (await tasking.cancel(id, reason)).state,
        (id, state) => `${id} ${(state && unfinished[state]) ?? state}`,
      ),
    )
}

const unfinished: Partial<Record<TaskState, string>> = {
  canceling: 'canceling: its worker is asked to stop it',
  waiting: 'waiting: it is cleaned up after its lost worker first, and canceled then',
}
