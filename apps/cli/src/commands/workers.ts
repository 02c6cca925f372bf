import { Command } from 'commander'
import { green, red } from 'yoctocolors'
import type { WorkerRecord } from '@tasking/core'
import { withTasking } from '../connection.ts'
import { globalFlags } from '../global-flags.ts'
import { note, print, printJson } from '../output.ts'
import { table } from '../table.ts'
import type { Column } from '../table.ts'
import { ageText } from '../task-text.ts'

const more = `
A worker is overdue when its last heartbeat is older than its TTL; any other worker will soon take
it for missing and fail its tasks. A dispatcher claims nothing: it runs immediate tasks of its own.

Examples:
  tasking workers
  tasking workers --json | jq '[.[].runningTasks] | add'`

export function workersCommand(): Command {
  return new Command('workers')
    .description('List the workers.')
    .addHelpText('after', more)
    .action(async (_flags: unknown, command: Command) => {
      await withTasking(command, async (tasking) => {
        const workers = await tasking.store.workers()
        if (globalFlags(command).json) return printJson(workers)
        if (workers.length === 0) return note('There is no worker. Start one with tasking-worker.')
        print(table(columns(new Date()), workers))
      })
    })
}

function columns(now: Date): Column<WorkerRecord>[] {
  return [
    { title: 'NAME', text: ({ name }) => name, shrinks: true },
    { title: 'ID', text: ({ id }) => id },
    { title: 'KIND', text: ({ kind }) => kind },
    {
      title: 'STATE',
      text: ({ alive }) => (alive ? 'alive' : 'overdue'),
      paint: (text, { alive }) => (alive ? green(text) : red(text)),
    },
    {
      title: 'RUNNING',
      text: ({ kind, runningTasks, concurrency }) =>
        kind === 'worker' ? `${runningTasks}/${concurrency}` : `${runningTasks}`,
      align: 'right',
    },
    { title: 'HEARTBEAT', text: (worker) => `${ageText(worker.lastHeartbeatAt, now)} ago` },
    { title: 'QUEUES', text: ({ queues }) => queues.join(', '), shrinks: true },
    { title: 'TASKS', text: ({ taskNames }) => taskNames.join(', '), shrinks: true },
  ]
}
