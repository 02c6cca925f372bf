import { Command, Option } from 'commander'
import { createLogUpdate } from 'log-update'
import { finalStates } from '@tasking/core'
import type { Duration, FinalState, PurgeOptions } from '@tasking/core'
import { withTasking } from '../connection.ts'
import { count } from '../count.ts'
import { duration } from '../dispatch/flag-values.ts'
import { globalFlags } from '../global-flags.ts'
import { print, printJson } from '../output.ts'

interface PurgeFlags {
  readonly olderThan: Duration
  readonly state: FinalState[]
  readonly queue?: string
  readonly name?: string
  readonly dryRun?: boolean
}

const more = `
Deletes in batches, each a transaction of its own: it can be broken off and repeated at any time.
Workers do the same by themselves with tasking-worker --purge.

Examples:
  tasking purge --older-than 30d --dry-run
  tasking purge --older-than 30d --state completed canceled skipped
  tasking purge --older-than 90d --state failed --name repository.sync`

export function purgeCommand(): Command {
  return new Command('purge')
    .description('Delete finished tasks of some age.')
    .addOption(
      new Option('--older-than <duration>', 'only tasks that finished so long ago or longer')
        .argParser(duration)
        .makeOptionMandatory(),
    )
    .addOption(
      new Option('--state <state...>', 'only in these states')
        .choices(finalStates)
        .default(['completed'], 'completed'),
    )
    .option('--queue <queue>', 'only in this queue')
    .option('--name <name>', 'only of this name')
    .option('--dry-run', 'only count them')
    .addHelpText('after', more)
    .action(async ({ state: states, ...rest }: PurgeFlags, command: Command) => {
      const { json } = globalFlags(command)
      const options: PurgeOptions = { ...rest, states }
      await withTasking(command, async (tasking) => {
        const progress = purgeProgress(process.stderr, json)
        const purged = await tasking.purge({ ...options, onProgress: progress.show })
        progress.end()
        if (json) printJson({ purged, dryRun: rest.dryRun ?? false })
        else print(`${count(purged, 'task')} ${rest.dryRun ? 'would be deleted' : 'deleted'}.`)
      })
    })
}

// On a terminal only: elsewhere the sum at the end says all.
function purgeProgress(out: NodeJS.WriteStream, json: boolean) {
  const terminal = out.isTTY && !json ? createLogUpdate(out) : undefined
  return {
    show: (purged: number) => terminal?.(`${count(purged, 'task')} so far`),
    end() {
      terminal?.clear()
      terminal?.done()
    },
  }
}
