import { Command, InvalidArgumentError, Option } from 'commander'
import { taskStates } from '@tasking/core'
import type { Task, TaskFilter, TaskState } from '@tasking/core'
import { withTasking } from '../connection.ts'
import { globalFlags } from '../global-flags.ts'
import { limit } from '../limit.ts'
import { note, print, printJson } from '../output.ts'
import { table } from '../table.ts'
import type { Column } from '../table.ts'
import { ageText, durationText, paintState, resourcesText, stateText } from '../task-text.ts'

interface ListFlags {
  readonly state?: TaskState[]
  readonly name?: string
  readonly queue?: string
  readonly resource?: string
  readonly parent?: string
  readonly group?: string
  readonly correlation?: string
  readonly before?: string
  readonly limit: number
}

const more = `
A waiting task is blocked while a conflicting task is before it in line at one of its resources.

Examples:
  tasking list --state failed --limit 20
  tasking list --resource repository:42 --state running waiting
  tasking list --correlation 'request 4711'
  tasking list --before 0198f2c4-6a5e-7b1c-9d0e-3f2a1b4c5d6e      the page after that task
  tasking list --state failed --json | jq -r '.[].id'`

export function listCommand(): Command {
  return new Command('list')
    .description('List tasks, the newest first.')
    .addOption(new Option('--state <state...>', 'only in these states').choices(taskStates))
    .option('--name <name>', 'only of this name')
    .option('--queue <queue>', 'only in this queue')
    .option('--resource <resource>', 'only those that ask for this resource')
    .option('--parent <task>', 'only children of this task', taskId)
    .option('--group <group>', 'only tasks of this group', groupId)
    .option('--correlation <id>', 'only those under this correlation id')
    .option('--before <task>', 'only tasks dispatched before this one', taskId)
    .option('--limit <n>', 'at most so many', limit, 100)
    .addHelpText('after', more)
    .action(async ({ state, parent, group, correlation, ...rest }: ListFlags, command: Command) => {
      const filter: TaskFilter = {
        ...rest,
        ...(state !== undefined && { states: state }),
        ...(parent !== undefined && { parentId: parent }),
        ...(group !== undefined && { groupId: group }),
        ...(correlation !== undefined && { correlationId: correlation }),
      }
      await withTasking(command, async (tasking) => {
        const tasks = await tasking.list(filter)
        if (globalFlags(command).json) return printJson(tasks)
        if (tasks.length === 0) return note('There are no such tasks.')
        print(table(columns(new Date(), tasks), tasks))
        if (tasks.length === rest.limit) {
          note(`There may be more: --before ${tasks.at(-1)?.id} shows the next ones.`)
        }
      })
    })
}

function columns(now: Date, tasks: readonly Task[]): Column<Task>[] {
  const key: Column<Task> = {
    title: 'KEY',
    text: ({ dedupeKey }) => dedupeKey ?? '',
    shrinks: true,
  }
  return [
    { title: 'ID', text: ({ id }) => id },
    { title: 'NAME', text: ({ name }) => name, shrinks: true },
    { title: 'STATE', text: stateText, paint: paintState },
    { title: 'QUEUE', text: ({ queue }) => queue, shrinks: true },
    // Most tasks have none.
    ...(tasks.some(({ dedupeKey }) => dedupeKey !== null) ? [key] : []),
    { title: 'AGE', text: ({ dispatchedAt }) => ageText(dispatchedAt, now), align: 'right' },
    { title: 'RAN', text: (task) => durationText(task, now), align: 'right' },
    { title: 'RESOURCES', text: ({ resources }) => resourcesText(resources), shrinks: true },
  ]
}

function taskId(text: string): string {
  return checkedId(text, 'task')
}

function groupId(text: string): string {
  return checkedId(text, 'group')
}

function checkedId(text: string, of: string): string {
  if (/^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i.test(text)) return text
  throw new InvalidArgumentError(`It must be the id of a ${of}.`)
}
