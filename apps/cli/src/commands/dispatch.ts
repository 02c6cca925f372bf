import { Command, Option } from 'commander'
import { BatchEntryError } from '@tasking/core'
import type {
  BatchEntry,
  CountedRequest,
  DispatchedHandle,
  Duration,
  ResourceRequest,
  Tasking,
} from '@tasking/core'
import { wrongUsage } from '../command-error.ts'
import { withTasking } from '../connection.ts'
import { counts, duration, lineCount, moment, wholeNumber } from '../dispatch/flag-values.ts'
import { dispatchLines } from '../dispatch/from-lines.ts'
import { parseInputArgument, reportDispatched, reportResult } from '../dispatch/one.ts'
import { blockedRules, optionsOf, twinRules } from '../dispatch/settings.ts'
import type { Settings } from '../dispatch/settings.ts'
import { definedTasks, definitionsOf, namedTasks } from '../dispatch/task-source.ts'
import { globalFlags } from '../global-flags.ts'
import { note } from '../output.ts'

interface DispatchFlags extends Omit<Settings, 'correlationId'> {
  readonly correlation?: string
  readonly tasks?: string[]
  readonly exclusive?: string[]
  readonly shared?: string[]
  readonly counted?: CountedRequest[]
  readonly wait?: true | Duration
  readonly force?: true
  readonly from?: string
  readonly skipLines?: number
}

const more = `
With --tasks, the definition checks the input and says which resources the task takes. Without,
name the resources; the name of the task is compared with what the live workers know.

Prints the task's id. With --wait, prints only its result, and exits with 1 unless it completed.
With --dedupe the id may be that of a twin: an incomplete task of this name with this key.

--from reads a task per line: {"name": …, "input": …, "exclusive": […], "shared": […], "counted":
[{"resource": …, "amount": …, "capacity": …}], "queue": …, "priority": …, "dedupe": …, "ifTwin": …,
"ifBlocked": …, "group": …, "correlationId": …, "delay": "10m", "runAt": "2030-01-31T08:00:00Z"}, all but
the name as needed; blank lines are passed over. Each 1,000 tasks (less
where they take more than 16 MiB) are dispatched together or not at all. After an error, go on with
--skip-lines.

Examples:
  tasking dispatch repository.sync '{"repository": "42"}' --tasks ./dist/tasks.js --wait 10m
  tasking dispatch repository.sync '{"repository": "42"}' --exclusive repository:42 --priority 5
  tasking dispatch render '{"film": 7}' --counted gpu=2/8 --dedupe film:7 --if-twin skip
  tasking dispatch report.send --run-at 2030-01-31T08:00:00+01:00
  tasking dispatch --from tasks.ndjson --queue bulk
  zcat tasks.ndjson.gz | tasking dispatch --from - --tasks @acme/tasks`

export function dispatchCommand(): Command {
  return new Command('dispatch')
    .description('Create a task, or many.')
    .argument('[name]', 'the name of the task')
    .argument('[input]', 'its input, as JSON')
    .option('--tasks <module...>', 'modules with task definitions: files or packages')
    .option('--exclusive <resource...>', 'resources that the task takes for itself')
    .option('--shared <resource...>', 'resources that the task takes together with others')
    .option(
      '--counted <resource=amount/capacity...>',
      'so much of resources that have a capacity, such as gpu=2/8',
      counts,
    )
    .option('--queue <queue>', 'the queue, instead of the definition\'s or "default"')
    .option('--priority <n>', 'higher goes first among the tasks that could start', wholeNumber)
    .option('--group <group>', 'the group that it belongs to')
    .option('--correlation <id>', 'what to recognise it by, in logs and in lists')
    .option('--dedupe <key>', 'at most one incomplete task of this name and this key')
    .addOption(
      new Option('--if-twin <rule>', 'where there is one: default return, so print its id').choices(
        twinRules,
      ),
    )
    .addOption(
      new Option(
        '--if-blocked <rule>',
        'where something stands before it in line: default wait',
      ).choices(blockedRules),
    )
    .option('--delay <duration>', 'not before so long after now, such as 10m', duration)
    .addOption(
      new Option('--run-at <time>', 'not before this time, such as 2030-01-31T08:00:00Z')
        .argParser(moment)
        .conflicts(['delay']),
    )
    .option('--wait [timeout]', 'wait for the end of the task, such as 10m at most', duration)
    .option('--force', 'accept a name that no live worker knows')
    .addOption(
      new Option(
        '--from <file>',
        'dispatch a task per line of an NDJSON file; - is standard input',
      ).conflicts(['exclusive', 'shared', 'counted', 'dedupe', 'wait']),
    )
    .option('--skip-lines <n>', 'with --from: pass over so many lines', lineCount)
    .addHelpText('after', more)
    .action(
      async (
        name: string | undefined,
        input: string | undefined,
        flags: DispatchFlags,
        command: Command,
      ) => {
        checkUsage(name, flags)
        const value = parseInputArgument(input)
        const definitions = await definitionsOf(flags.tasks)
        await withTasking(
          command,
          (tasking) => dispatch(tasking, { name, value, flags, json: globalFlags(command).json }),
          definitions,
        )
      },
    )
}

interface Wish {
  readonly name: string | undefined
  readonly value: unknown
  readonly flags: DispatchFlags
  readonly json: boolean
}

async function dispatch(tasking: Tasking, { name, value, flags, json }: Wish): Promise<void> {
  const { tasks, force = false, from, skipLines = 0, wait } = flags
  // With --json, standard error is for errors.
  const hint = json ? () => undefined : note
  const source = tasks ? definedTasks(tasking) : namedTasks(tasking, { force, note: hint })
  const settings = settingsOf(flags)
  if (name === undefined) {
    const defaults = { from: from ?? '-', skipLines, defaults: settings, json }
    return dispatchLines(tasking, source, defaults)
  }
  const definition = await source.definition(name, resourcesOf(flags))
  const entry = { definition, input: value, options: optionsOf(settings) }
  const handle = await dispatchOne(tasking, entry)
  if (wait === undefined) reportDispatched(handle, json)
  else await reportResult(handle, wait === true ? undefined : wait, json)
}

// The definition's types aren't known here, so it goes as a batch; its error is the entry's own.
async function dispatchOne(
  tasking: Tasking,
  entry: BatchEntry,
): Promise<DispatchedHandle<unknown>> {
  try {
    const [handle] = await tasking.dispatchBatch([entry] as const)
    return handle
  } catch (error) {
    throw error instanceof BatchEntryError ? error.cause : error
  }
}

function settingsOf(flags: DispatchFlags): Settings {
  const { queue, priority, dedupe, ifTwin, ifBlocked, delay, runAt, group, correlation } = flags
  return {
    ...(group !== undefined && { group }),
    ...(correlation !== undefined && { correlationId: correlation }),
    ...(queue !== undefined && { queue }),
    ...(priority !== undefined && { priority }),
    ...(dedupe !== undefined && { dedupe }),
    ...(ifTwin !== undefined && { ifTwin }),
    ...(ifBlocked !== undefined && { ifBlocked }),
    ...(delay !== undefined && { delay }),
    ...(runAt !== undefined && { runAt }),
  }
}

function resourcesOf({ exclusive, shared, counted }: DispatchFlags): ResourceRequest {
  return { ...(exclusive && { exclusive }), ...(shared && { shared }), ...(counted && { counted }) }
}

function checkUsage(name: string | undefined, flags: DispatchFlags): void {
  const { from, skipLines, dedupe, ifTwin } = flags
  if (name === undefined && from === undefined) {
    throw wrongUsage('Say which task to dispatch: its name, or --from with a file.')
  }
  if (name !== undefined && from !== undefined) {
    throw wrongUsage('The names come from the file with --from; leave out the one given.')
  }
  if (skipLines !== undefined && from === undefined) {
    throw wrongUsage('--skip-lines goes with --from.')
  }
  if (ifTwin !== undefined && dedupe === undefined && from === undefined) {
    throw wrongUsage('--if-twin goes with --dedupe, or with --from.')
  }
}
