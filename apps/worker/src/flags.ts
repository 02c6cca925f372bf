import { Option } from 'commander'
import type { Command } from 'commander'
import { isolations, switchFromVariable } from '@tasking/core'
import type { Duration, Isolation, Versions } from '@tasking/core'
import type { DutyPeriods, PurgePolicy } from '@tasking/worker'
import {
  duration,
  durationsByName,
  listenAddress,
  listFromVariable,
  port,
  versionsByName,
  wholeNumber,
} from './flag-values.ts'

/** What was given, by flags or by variables. */
export interface Flags {
  readonly tasks?: readonly string[]
  readonly databaseUrl?: string
  readonly schema?: string
  readonly concurrency: number
  readonly queue?: readonly string[]
  readonly name: string
  readonly component?: Versions
  readonly ttl?: Duration
  readonly pollInterval?: Duration
  readonly burst?: boolean
  readonly burstWait?: Duration
  readonly auxiliary?: boolean
  readonly pidFile?: string
  readonly healthPort?: number
  readonly reload?: boolean
  readonly housekeeping?: DutyPeriods
  readonly purge?: PurgePolicy
  readonly listen?: string | false
  readonly isolation?: Isolation
  readonly grace?: Duration
  readonly heapLimit?: number
  readonly abortAfter: Duration
  readonly logLevel: string
}

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']

/** Every flag, and the variable that stands for it. */
export function allFlags(): Option[] {
  return [
    flag('--tasks <module...>', 'modules with task definitions: files or packages'),
    flag('--database-url <url>', 'the PostgreSQL database; DATABASE_URL will do as well'),
    flag('--schema <name>', 'the PostgreSQL schema (default: tasking)'),
    flag('--concurrency <n>', 'how many tasks may run at once').argParser(wholeNumber).default(1),
    flag('--queue <name...>', 'the queues to serve, the first one first (default: default)'),
    flag('--name <template>', 'what operators see; {hostname} and {pid} are filled in').default(
      '{hostname}:{pid}',
    ),
    flag(
      '--component <name=version...>',
      'what it has that tasks may require, such as codec=2.1',
    ).argParser(versionsByName),
    flag('--ttl <duration>', 'so long without a heartbeat, it is missing (default: 30s)').argParser(
      duration,
    ),
    flag(
      '--poll-interval <duration>',
      'longest pause between two polls without wake-ups (default: 280ms)',
    ).argParser(duration),
    flag('--burst', 'run what can run now, then exit'),
    flag(
      '--burst-wait <duration>',
      'a burst waits for its own tasks that are tried again within that (default: 1m)',
    ).argParser(duration),
    flag('--auxiliary', 'run tasks, but do no housekeeping'),
    flag(
      '--housekeeping <duty=period...>',
      'how often duties of the housekeeping are done, such as sweep=1m',
    ).argParser(durationsByName),
    flag(
      '--purge <state=age...>',
      'delete finished tasks of some age, such as completed=7d failed=30d (default: none)',
    ).argParser(durationsByName),
    flag(
      '--listen <url>',
      'a direct connection for wake-ups, where the other one is pooled',
    ).argParser(listenAddress),
    new Option('--no-listen', 'poll only'),
    flag(
      '--isolation <kind>',
      'where handlers run whose definitions do not say (default: inline)',
    ).choices(isolations),
    flag(
      '--grace <duration>',
      'how long handlers may go on after their signals aborted, until they are killed (default: 10s)',
    ).argParser(duration),
    flag(
      '--heap-limit <MiB>',
      'how much memory the heap of each thread and process for handlers may take',
    ).argParser(wholeNumber),
    flag(
      '--abort-after <duration>',
      'how long tasks may go on after SIGINT until their signals abort',
    )
      .argParser(duration)
      .default('10m'),
    flag('--pid-file <path>', 'a file for the process id, there while the worker runs'),
    flag('--health-port <port>', 'answer GET /healthz and /readyz there').argParser(port),
    flag('--reload', 'for development: start anew whenever a module changes'),
    flag('--log-level <level>', 'what to log, as JSON lines on standard output')
      .choices(logLevels)
      .default('info'),
  ]
}

/** The flags of a parsed command, with what Commander leaves to do for variables. */
export function readFlags(command: Command): Flags {
  const flags = command.opts<Flags>()
  const variable = (name: keyof Flags, variableName: string) =>
    command.getOptionValueSource(name) === 'env' ? process.env[variableName] : undefined
  const tasks = variable('tasks', 'TASKING_TASKS')
  const queue = variable('queue', 'TASKING_QUEUE')
  // To Commander, a switch is on whatever its variable says.
  const switches = Object.fromEntries(
    (['burst', 'auxiliary', 'reload'] as const).flatMap((name) => {
      const text = variable(name, variableOf(name))
      return text === undefined ? [] : [[name, switchFromVariable(variableOf(name), text)]]
    }),
  )
  const databaseUrl = flags.databaseUrl ?? (process.env['DATABASE_URL'] || undefined)
  return {
    ...flags,
    ...(tasks !== undefined && { tasks: listFromVariable(tasks) }),
    ...(queue !== undefined && { queue: listFromVariable(queue) }),
    ...switches,
    ...(databaseUrl !== undefined && { databaseUrl }),
  }
}

function flag(flags: string, description: string): Option {
  const option = new Option(flags, description)
  return option.env(variableOf(option.name()))
}

function variableOf(flagName: string): string {
  return `TASKING_${flagName.replaceAll('-', '_').toUpperCase()}`
}
