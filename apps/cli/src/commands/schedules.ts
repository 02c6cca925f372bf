import { Command } from 'commander'
import { withTasking } from '../connection.ts'
import { reportDispatched } from '../dispatch/one.ts'
import { globalFlags } from '../global-flags.ts'
import { note, print, printJson } from '../output.ts'
import { table } from '../table.ts'
import { scheduleColumns } from '../schedules/columns.ts'
import { setCommand } from '../schedules/set.ts'

const more = `
A worker dispatches the task of a schedule when it is due, unless the task that it dispatched last
is unfinished: then that time is passed over. What was missed while no worker was alive comes once.

Examples:
  tasking schedules
  tasking schedules set nightly repository.sync '{"repository": "42"}' --cron '0 3 * * *' \\
    --time-zone Europe/Berlin --tasks ./dist/tasks.js
  tasking schedules pause nightly
  tasking schedules run nightly
  tasking schedules --json | jq -r '.[] | select(.pausedAt) | .name'`

export function schedulesCommand(): Command {
  const command = new Command('schedules')
    .description('List, set, pause, resume, run and remove schedules.')
    .addHelpText('after', more)
    .action(async (_flags: unknown, self: Command) => {
      await withTasking(self, async ({ schedules }) => {
        const all = await schedules.list()
        if (globalFlags(self).json) return printJson(all)
        if (all.length === 0)
          return note('There is no schedule. "tasking schedules set" makes one.')
        print(table(scheduleColumns(new Date()), all))
      })
    })
  const changes = [
    onNames('pause', 'paused', 'Dispatch nothing until it is resumed.'),
    onNames('resume', 'resumed', 'Go on with the next of its times.'),
    onNames('remove', 'removed', 'Remove it; the tasks that it has dispatched go on.'),
  ]
  for (const each of [setCommand(), ...changes, runCommand()]) command.addCommand(each)
  return command
}

function runCommand(): Command {
  return new Command('run')
    .description('Dispatch its task now, paused or not; its times stay as they are.')
    .argument('<schedule>', 'the name of the schedule')
    .action(async (name: string, _flags: unknown, self: Command) => {
      await withTasking(self, async ({ schedules }) => {
        const handle = await schedules.runNow(name)
        reportDispatched(handle, globalFlags(self).json)
      })
    })
}

function onNames(verb: 'pause' | 'resume' | 'remove', done: string, description: string): Command {
  return new Command(verb)
    .description(description)
    .argument('<schedule...>', 'the names of the schedules')
    .action(async (names: string[], _flags: unknown, self: Command) => {
      const { json } = globalFlags(self)
      await withTasking(self, async ({ schedules }) => {
        for (const name of names) {
          await schedules[verb](name)
          if (!json) print(`${name} ${done}`)
        }
        if (json) printJson(names.map((name) => ({ name, done })))
      })
    })
}
