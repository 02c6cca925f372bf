import { Command } from 'commander'
import type { Explanation, Tasking } from '@tasking/core'
import { withTasking } from '../connection.ts'
import { explanationText } from '../explanation-text.ts'
import { globalFlags } from '../global-flags.ts'
import { print, printJson } from '../output.ts'

const more = `
Shows the task's place in the line of each resource, who holds the resource and who stands before
it, and what it really waits for: the first in a line that it waits in, the first in a line that
this one waits in, and so on to a task that runs, or that waits for a worker.

Examples:
  tasking explain 0198f2c4-6a5e-7b1c-9d0e-3f2a1b4c5d6e
  tasking explain 0198f2c4-6a5e-7b1c-9d0e-3f2a1b4c5d6e --json | jq '.chain[-1]'`

export function explainCommand(): Command {
  return new Command('explain')
    .description('Say why a task is waiting.')
    .argument('<task>', 'the id of the task')
    .addHelpText('after', more)
    .action(async (id: string, _flags: unknown, command: Command) => {
      await withTasking(command, async (tasking) => {
        const explanation = await tasking.explain(id)
        if (globalFlags(command).json) return printJson(explanation)
        const [workers, rootCause] = await Promise.all([
          tasking.store.workers(),
          rootCauseOf(tasking, explanation),
        ])
        print(explanationText(explanation, { now: new Date(), workers, rootCause }))
      })
    })
}

async function rootCauseOf(tasking: Tasking, { chain }: Explanation) {
  const root = chain.at(-1)?.task
  return root?.state === 'waiting' ? tasking.explain(root.id) : undefined
}
