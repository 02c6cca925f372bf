import { Command } from 'commander'
import { forEachTask } from '../each-task.ts'

const more = `
Only finished tasks can be deleted: cancel others first. Where one can't be, the others are deleted
all the same; the exit code is 1. "tasking purge" deletes many at once.

Examples:
  tasking delete 0198f2c4-6a5e-7b1c-9d0e-3f2a1b4c5d6e`

export function deleteCommand(): Command {
  return new Command('delete')
    .description('Delete finished tasks.')
    .argument('<task...>', 'the ids of the tasks')
    .addHelpText('after', more)
    .action((ids: string[], _flags: unknown, command: Command) =>
      forEachTask(
        command,
        ids,
        async (tasking, id) => {
          await tasking.delete(id)
          return undefined
        },
        (id) => `${id} deleted`,
      ),
    )
}
