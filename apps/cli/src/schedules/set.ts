import { Command, InvalidArgumentError } from 'commander'
import { checkedTiming } from '@tasking/core'
import type { CountedRequest, Duration, TimingRequest } from '@tasking/core'
import { wrongUsage } from '../command-error.ts'
import { withTasking } from '../connection.ts'
import { counts, duration, wholeNumber } from '../dispatch/flag-values.ts'
import { parseInputArgument } from '../dispatch/one.ts'
import { definedTasks, definitionsOf, namedTasks } from '../dispatch/task-source.ts'
import { globalFlags } from '../global-flags.ts'
import { note, print, printJson } from '../output.ts'
import { nextText } from './columns.ts'

interface SetFlags {
  readonly cron?: string
  readonly timeZone?: string
  readonly every?: Duration
  readonly at?: Date
  readonly tasks?: string[]
  readonly exclusive?: string[]
  readonly shared?: string[]
  readonly counted?: CountedRequest[]
  readonly queue?: string
  readonly priority?: number
  readonly force?: true
}

const more = `
With --tasks, the definition checks the input and says which resources the tasks take. Without,
name the resources. Both are settled now: set the schedule again when the definition has changed.
With the same times as before, it stays due when it was.

Examples:
  tasking schedules set nightly repository.sync '{"repository": "42"}' --cron '0 3 * * *' \\
    --time-zone Europe/Berlin --tasks ./dist/tasks.js
  tasking schedules set beat monitor.beat --every 30s --exclusive monitor
  tasking schedules set launch site.publish --at 2027-01-01T00:00:00Z --tasks ./dist/tasks.js`

export function setCommand(): Command {
  return new Command('set')
    .description('Make a schedule, or change it.')
    .argument('<schedule>', 'the name of the schedule')
    .argument('<task>', 'the name of the task')
    .argument('[input]', 'its input, as JSON')
    .option(
      '--cron <expression>',
      "by a cron expression of five or six fields, such as '0 3 * * *'",
    )
    .option('--time-zone <name>', 'with --cron: on whose clocks (default: UTC)')
    .option('--every <duration>', 'at intervals, such as 30s or 6h', duration)
    .option('--at <time>', 'once, or with --every the first time; in ISO 8601', time)
    .option('--tasks <module...>', 'modules with task definitions: files or packages')
    .option('--exclusive <resource...>', 'resources that the tasks take for themselves')
    .option('--shared <resource...>', 'resources that the tasks take together with others')
    .option(
      '--counted <resource=amount/capacity...>',
      'so much of resources that have a capacity, such as gpu=2/8',
      counts,
    )
    .option('--queue <queue>', 'the queue, instead of the definition\'s or "default"')
    .option('--priority <n>', 'higher goes first among the tasks that could start', wholeNumber)
    .option('--force', 'accept a name that no live worker knows')
    .addHelpText('after', more)
    .action(set)
}

async function set(
  name: string,
  taskName: string,
  input: string | undefined,
  flags: SetFlags,
  command: Command,
): Promise<void> {
  const timing = checkedTiming(timingOf(flags))
  const value = parseInputArgument(input)
  const definitions = await definitionsOf(flags.tasks)
  const { json } = globalFlags(command)
  await withTasking(
    command,
    async (tasking) => {
      const { exclusive, shared, counted, queue, priority, force = false } = flags
      const hint = json ? () => undefined : note
      const source = definitions
        ? definedTasks(tasking)
        : namedTasks(tasking, { force, note: hint })
      const task = await source.definition(taskName, {
        ...(exclusive && { exclusive }),
        ...(shared && { shared }),
        ...(counted && { counted }),
      })
      const options = {
        ...(queue !== undefined && { queue }),
        ...(priority !== undefined && { priority }),
      }
      const schedule = await tasking.schedules.set({ name, task, input: value, timing, options })
      if (json) printJson(schedule)
      else print(`${name}: ${nextText(schedule, new Date())}`)
    },
    definitions,
  )
}

function timingOf({ cron, timeZone, every, at }: SetFlags): TimingRequest {
  if (cron !== undefined) {
    if (every !== undefined || at !== undefined) {
      throw wrongUsage('--cron says it all; leave out --every and --at.')
    }
    return { cron, timeZone }
  }
  if (timeZone !== undefined) throw wrongUsage('--time-zone goes with --cron.')
  if (every !== undefined) return { every, at }
  if (at !== undefined) return { at }
  throw wrongUsage('Say when it is due: with --cron, --every or --at.')
}

function time(text: string): Date {
  const at = new Date(text)
  // Without a zone it would mean another time on each machine.
  if (!Number.isNaN(at.getTime()) && /T.*(?:Z|[+-]\d\d:?\d\d)$/.test(text)) return at
  throw new InvalidArgumentError("It must be like '2027-01-01T00:00:00Z', with its zone.")
}
