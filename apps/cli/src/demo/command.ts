import { Command, InvalidArgumentError, Option } from 'commander'
import { milliseconds } from '@tasking/core'
import type { Duration } from '@tasking/core'
import { globalFlags } from '../global-flags.ts'
import { print, printJson } from '../output.ts'
import { liveView, silentView } from './live-view.ts'
import { isGood, reportText } from './report.ts'

const more = `
The workload is a burst of tasks from one thread, each of which reserves some of the resources and
then works for a while; real worker processes run them. What the handlers noted of their starts and
ends is the evidence for the verdict, not what the database says. Beside the makespan stands that
of the ideal list schedule, which takes the tasks in the same order and loses no time between them.

Without --database-url it starts a PostgreSQL of its own from npm and removes it afterwards; the
variables of the other commands are not used, so that it never ends up in a database by accident.

Exit code: 0; 1 if conflicting tasks overlapped, or a task got lost or failed without a worker dead.

Examples:
  tasking demo
  tasking demo --workers 4 --concurrency 8 --shared 0.5
  tasking demo --kill-after 3s                    one worker gets SIGKILL on the way
  tasking demo --database-url postgres://localhost/scratch --tasks 2000 --duration 50ms`

interface DemoFlags {
  readonly workers: number
  readonly concurrency: number
  readonly tasks: number
  readonly resources: number
  readonly perTask: number
  readonly shared: number
  readonly duration: Duration
  readonly seed: number
  readonly ttl: Duration
  readonly killAfter?: Duration
}

export function demoCommand(): Command {
  return new Command('demo')
    .description('Show what the system does: a workload on real workers, live, with a verdict.')
    .addOption(count('--workers <n>', 'worker processes', 1, 64).default(2))
    .addOption(count('--concurrency <n>', 'slots per worker', 1, 1_000).default(4))
    .addOption(count('--tasks <n>', 'tasks in the burst', 1, 100_000).default(256))
    .addOption(count('--resources <n>', 'resources to choose from', 1, 1_000_000).default(128))
    .addOption(count('--per-task <n>', 'resources that each task reserves', 0, 100).default(2))
    .addOption(
      new Option('--shared <ratio>', 'part of the reservations that are shared, 0 to 1')
        .argParser(ratio)
        .default(0),
    )
    .addOption(time('--duration <time>', 'how long each task works').default('500ms'))
    .addOption(
      count('--seed <n>', 'the same seed makes the same workload', 0, 2 ** 31 - 1).default(1),
    )
    .addOption(time('--ttl <time>', 'a silent worker is missing after so long').default('5s'))
    .addOption(time('--kill-after <time>', 'SIGKILL the first worker so long after the start'))
    .addHelpText('after', more)
    .action(async (flags: DemoFlags, command: Command) => {
      // Loaded when it is needed, so that --help is quick.
      const { openDatabase } = await import('./database.ts')
      const { runDemo } = await import('./run-demo.ts')
      const { json, schema = 'tasking', databaseUrl } = globalFlags(command)
      const given = command.getOptionValueSourceWithGlobals('databaseUrl') === 'cli'
      const view = json ? silentView : liveView(process.stdout)
      const interrupted = new AbortController()
      for (const signal of ['SIGINT', 'SIGTERM'] as const) {
        process.once(signal, () => interrupted.abort())
      }
      await using database = await openDatabase(given ? databaseUrl : undefined, view)
      const { perTask, shared, duration, ...rest } = flags
      const options = {
        ...rest,
        schema,
        databaseUrl: database.url,
        resourcesPerTask: perTask,
        sharedRatio: shared,
        durationMs: milliseconds(duration),
      }
      const result = await runDemo(options, view, interrupted.signal)
      if (json) printJson(result)
      else print(`\n${reportText(result)}`)
      if (!isGood(result)) process.exitCode = 1
    })
}

function count(flags: string, description: string, from: number, to: number): Option {
  return new Option(flags, description).argParser((text) => {
    const number = Number(text)
    if (/^\d+$/.test(text) && number >= from && number <= to) return number
    throw new InvalidArgumentError(`It must be a whole number from ${from} to ${to}.`)
  })
}

function ratio(text: string): number {
  const number = Number(text)
  if (text.trim() !== '' && number >= 0 && number <= 1) return number
  throw new InvalidArgumentError('It must be a number from 0 to 1.')
}

function time(flags: string, description: string): Option {
  return new Option(flags, description).argParser((text) => {
    if (/^\d+(?:\.\d+)?(?:ms|s|m|h|d)$/.test(text)) return text
    throw new InvalidArgumentError(`It must have a unit, such as '500ms', '5s' or '10m'.`)
  })
}
