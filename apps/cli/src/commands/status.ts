import { Command } from 'commander'
import { bold, yellow } from 'yoctocolors'
import type { Metrics, QueueMetrics } from '@tasking/core'
import { withTasking } from '../connection.ts'
import { count } from '../count.ts'
import { globalFlags } from '../global-flags.ts'
import { note, print, printJson } from '../output.ts'
import { printable } from '../printable.ts'
import { table } from '../table.ts'
import type { Column } from '../table.ts'
import { timeText } from '../time-text.ts'

const more = `
A task is unblocked when nothing before it in line conflicts: it waits for a worker. How many tasks
could run at once is how many slots would be of use now. Costs little, however long the backlog is.

Examples:
  tasking status
  tasking status --json | jq .parallel`

export function statusCommand(): Command {
  return new Command('status')
    .description('Sum up how much there is to do, and how much is being done.')
    .addHelpText('after', more)
    .action(async (_flags: unknown, command: Command) => {
      await withTasking(command, async (tasking) => {
        const metrics = await tasking.metrics()
        if (globalFlags(command).json) return printJson(metrics)
        print(summary(metrics))
        if (metrics.queues.length > 0) print(`\n${table(columns, metrics.queues)}`)
        if (!metrics.complete) note('There is so much that it was counted only in part.')
      })
    })
}

function summary(metrics: Metrics): string {
  const { workers, slots, running, unblocked, waitingLong, longestMs, blocked, parallel } = metrics
  const long = `${count(waitingLong)} for longer than 5s, the first for ${timeText(longestMs ?? 0)}`
  const facts = [
    ['workers', `${count(workers)} with ${count(slots, 'slot')}`],
    ['running', count(running)],
    ['unblocked', count(unblocked) + (waitingLong > 0 ? yellow(` (${long})`) : '')],
    ['blocked', count(blocked)],
    ['could run', `${count(parallel)} at once`],
  ] as const
  return facts.map(([label, text]) => bold(label.padEnd(12)) + text).join('\n')
}

const columns: Column<QueueMetrics>[] = [
  { title: 'QUEUE', text: ({ queue }) => printable(queue), shrinks: true },
  { title: 'UNBLOCKED', text: ({ unblocked }) => count(unblocked), align: 'right' },
  { title: 'OVER 5S', text: ({ waitingLong }) => count(waitingLong), align: 'right' },
  { title: 'LONGEST', text: ({ longestMs }) => timeText(longestMs), align: 'right' },
]
