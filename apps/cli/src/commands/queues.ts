import { Command } from 'commander'
import { green, yellow } from 'yoctocolors'
import type { QueueRecord } from '@tasking/core'
import { withTasking } from '../connection.ts'
import { globalFlags } from '../global-flags.ts'
import { note, print, printJson } from '../output.ts'
import { printable } from '../printable.ts'
import { table } from '../table.ts'
import type { Column } from '../table.ts'
import { ageText } from '../task-text.ts'

const more = `
Nothing is claimed from a paused queue, by any worker; what runs goes on.

Examples:
  tasking queues
  tasking queues pause slow --reason 'the remote is down'
  tasking queues resume slow`

export function queuesCommand(): Command {
  return new Command('queues')
    .description('List the queues that workers serve and those that are paused; pause, resume.')
    .addHelpText('after', more)
    .action(async (_flags: unknown, command: Command) => {
      await withTasking(command, async (tasking) => {
        const queues = await tasking.queues()
        if (globalFlags(command).json) return printJson(queues)
        if (queues.length === 0) return note('No worker serves a queue, and none is paused.')
        print(table(columns(new Date()), queues))
      })
    })
    .addCommand(pauseCommand())
    .addCommand(resumeCommand())
}

function pauseCommand(): Command {
  return new Command('pause')
    .description('Have nothing more claimed from a queue.')
    .argument('<queue>', 'its name')
    .option('--reason <text>', 'why, for whoever lists the queues later')
    .action(async (queue: string, { reason }: { reason?: string }, command: Command) => {
      await withTasking(command, async (tasking) => {
        await tasking.pauseQueue(queue, reason)
        if (globalFlags(command).json) return printJson({ queue, paused: true })
        print(`Paused ${printable(queue)}: nothing more is claimed from it, what runs goes on.`)
      })
    })
}

function resumeCommand(): Command {
  return new Command('resume')
    .description('Have tasks claimed from a queue again.')
    .argument('<queue>', 'its name')
    .action(async (queue: string, _flags: unknown, command: Command) => {
      await withTasking(command, async (tasking) => {
        await tasking.resumeQueue(queue)
        if (globalFlags(command).json) return printJson({ queue, paused: false })
        print(`Resumed ${printable(queue)}.`)
      })
    })
}

function columns(now: Date): Column<QueueRecord>[] {
  return [
    { title: 'QUEUE', text: ({ queue }) => printable(queue), shrinks: true },
    {
      title: 'STATE',
      text: ({ pausedAt }) => (pausedAt === null ? 'open' : 'paused'),
      paint: (text, { pausedAt }) => (pausedAt === null ? green(text) : yellow(text)),
    },
    { title: 'FOR', text: ({ pausedAt }) => (pausedAt === null ? '' : ageText(pausedAt, now)) },
    { title: 'WORKERS', text: ({ workers }) => String(workers), align: 'right' },
    { title: 'REASON', text: ({ reason }) => printable(reason ?? ''), shrinks: true },
  ]
}
