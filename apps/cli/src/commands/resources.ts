import { Command } from 'commander'
import type { Line, LineSummary, TaskInLine } from '@tasking/core'
import { wrongUsage } from '../command-error.ts'
import { withTasking } from '../connection.ts'
import { count } from '../count.ts'
import { globalFlags } from '../global-flags.ts'
import { limit } from '../limit.ts'
import { modeText } from '../line-text.ts'
import { note, print, printJson } from '../output.ts'
import { printable } from '../printable.ts'
import { table } from '../table.ts'
import type { Column } from '../table.ts'
import { ageText, paintState, waitingText } from '../task-text.ts'

interface ResourcesFlags {
  readonly prefix?: string
  readonly limit: number
}

const more = `
Without a name, lists the resources that have a line, the longest first. With a name, shows its
line from the front: who holds the resource, and who waits for it.

Examples:
  tasking resources
  tasking resources --prefix repository: --limit 20
  tasking resources repository:42`

export function resourcesCommand(): Command {
  return new Command('resources')
    .description('List the resources and their lines, or the line of one.')
    .argument('[name]', 'a resource')
    .option('--prefix <text>', 'only resources whose names begin so')
    .option('--limit <n>', 'at most so many', limit, 100)
    .addHelpText('after', more)
    .action(async (name: string | undefined, flags: ResourcesFlags, command: Command) => {
      if (name !== undefined && flags.prefix !== undefined) {
        throw wrongUsage('--prefix is for the list of resources; leave it out with a name.')
      }
      const { json } = globalFlags(command)
      await withTasking(command, async (tasking) => {
        if (name === undefined) showAll(await tasking.resources(flags), flags, json)
        else showLine(await tasking.line(name, flags.limit), json)
      })
    })
}

function showAll(lines: readonly LineSummary[], flags: ResourcesFlags, json: boolean): void {
  if (json) return printJson(lines)
  if (lines.length === 0) return note('There are no such resources with a task in line.')
  print(table(summaryColumns(new Date()), lines))
  if (lines.length === flags.limit) note('There may be more: a higher --limit shows them.')
}

function showLine(line: Line, json: boolean): void {
  if (json) return printJson(line)
  const { resource, length, running, waiting, tasks } = line
  if (length === 0) return note(`No task is in line at "${printable(resource)}".`)
  const facts = [`${count(running)} running`, `${count(waiting)} waiting`]
  if (line.capacity !== null) facts.push(`${usedText(line)} used`)
  print(`${printable(resource)}: ${facts.join(', ')}`)
  print(table(lineColumns(tasks, new Date()), tasks))
  const rest = length - tasks.length
  if (rest > 0) note(`Behind these: ${count(rest, 'more task')}. A higher --limit shows them.`)
}

function summaryColumns(now: Date): Column<LineSummary>[] {
  return [
    { title: 'RESOURCE', text: ({ resource }) => resource, shrinks: true },
    { title: 'LENGTH', text: ({ length }) => count(length), align: 'right' },
    { title: 'RUNNING', text: ({ running }) => count(running), align: 'right' },
    { title: 'WAITING', text: ({ waiting }) => count(waiting), align: 'right' },
    { title: 'USED', text: usedText, align: 'right' },
    { title: 'OLDEST', text: ({ oldest }) => ageText(oldest, now), align: 'right' },
  ]
}

function lineColumns(tasks: readonly TaskInLine[], now: Date): Column<TaskInLine>[] {
  const places = new Map(tasks.map((task, index) => [task, index + 1]))
  return [
    { title: 'PLACE', text: (task) => String(places.get(task)), align: 'right' },
    { title: 'ID', text: ({ id }) => id },
    { title: 'NAME', text: ({ name }) => name, shrinks: true },
    { title: 'MODE', text: modeText },
    {
      title: 'STATE',
      text: ({ state, unblocked }) => (state === 'waiting' ? waitingText(unblocked) : state),
      paint: paintState,
    },
    { title: 'FOR', text: ({ since }) => ageText(since, now), align: 'right' },
    { title: 'WORKER', text: workerName, shrinks: true },
  ]
}

function usedText({ used, capacity }: Pick<LineSummary, 'used' | 'capacity'>): string {
  return capacity === null ? '' : `${used}/${capacity}`
}

function workerName({ workerId, workerName: name }: TaskInLine): string {
  return name ?? (workerId === null ? '' : `${workerId} (gone)`)
}
