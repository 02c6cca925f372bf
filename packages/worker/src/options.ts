import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import {
  checkedVersions,
  defaultQueue,
  InvalidOptionError,
  isName,
  isolations,
  milliseconds,
  silentLogger,
  systemClock,
} from '@tasking/core'
import type {
  Clock,
  Duration,
  Isolation,
  JsonValue,
  Logger,
  Tasking,
  Versions,
} from '@tasking/core'
import type { ChildSetUp } from './child-message.ts'
import { dutySettings, purgeAges } from './duties.ts'
import type { DutyPeriods, DutySettings, PurgeAges, PurgePolicy } from './duties.ts'
import type { WorkerEvent } from './event.ts'

export interface WorkerOptions {
  /** The store, and the definitions of the tasks that this worker can run. */
  readonly tasking: Tasking
  /** How many tasks may run at once. Default 1. */
  readonly concurrency?: number
  /** The queues it serves, the first one first. Default `default` only. */
  readonly queues?: readonly string[]
  /** What operators see. Default `worker`. */
  readonly name?: string
  /** Shown to operators beside the name. Default empty. */
  readonly version?: string
  /** What it has of the components that tasks may require, such as `{ codec: '2.1.3' }`. */
  readonly versions?: Versions
  /**
   * Without a heartbeat for so long the worker counts as missing: its tasks fail, and others take
   * its resources. It beats every third of it. Default 30 s, at least 1 s.
   */
  readonly ttl?: Duration
  /**
   * Runs what can run now, and stops when there is nothing more: what waits behind a task of another
   * worker's, or for a time to come, is left. Default false.
   */
  readonly burst?: boolean
  /** A burst waits for its own tasks that are to be tried again within that. Default 1 min. */
  readonly burstWait?: Duration
  /** An auxiliary worker does no housekeeping. Default false. */
  readonly auxiliary?: boolean
  /** How often it does each duty of the housekeeping. */
  readonly housekeeping?: DutyPeriods
  /** How long finished tasks are kept, by their state, such as `{ completed: '7d' }`. Default for ever. */
  readonly purge?: PurgePolicy
  /**
   * The longest pause between two polls while nothing is to do and no wake-ups arrive; with them it
   * is 2 s, and a large fleet polls less. Default 280 ms.
   */
  readonly pollInterval?: Duration
  /** Where handlers run whose definitions don't say. Default `inline`. */
  readonly isolation?: Isolation
  /**
   * How long a handler may go on after its signal has aborted, where its definition doesn't say.
   * Then its thread or process is killed; an inline one is reported as stuck. Default 10 s.
   */
  readonly grace?: Duration
  /**
   * The module that threads and processes load: a URL, or a path. It exports `tasking`: what
   * `createTasking` returns, with the same definitions as this worker's, or a function that makes
   * one. Without it all handlers have to be inline.
   */
  readonly taskingModule?: string | URL
  /** What that function gets, as JSON. */
  readonly taskingData?: JsonValue
  /** How much memory the heap of each thread and process may take, in MiB. Default Node's own. */
  readonly heapLimitMb?: number
  readonly logger?: Logger
  /** Told of what happens, one event after the other. */
  readonly onEvent?: (event: WorkerEvent) => void
  readonly clock?: Clock
}

export type ImmediateRunnerOptions = Pick<
  WorkerOptions,
  'version' | 'versions' | 'ttl' | 'grace' | 'logger' | 'onEvent' | 'clock'
> & {
  /** What operators see. Default `dispatcher`. */
  readonly name?: string
}

/** The options with their defaults, in milliseconds, checked. */
export interface WorkerSettings {
  readonly tasking: Tasking
  /** 0 for a dispatcher. */
  readonly concurrency: number
  readonly queues: readonly string[]
  readonly name: string
  readonly version: string
  readonly versions: Versions
  readonly ttlMs: number
  readonly burst: boolean
  readonly burstWaitMs: number
  readonly auxiliary: boolean
  readonly duties: DutySettings
  readonly purge: PurgeAges
  readonly pollMs: number
  readonly isolation: Isolation
  readonly graceMs: number
  /** Without it, no definition is isolated. */
  readonly childSetUp: ChildSetUp | undefined
  readonly heapLimitMb: number | undefined
  readonly logger: Logger
  readonly onEvent: (event: WorkerEvent) => void
  readonly clock: Clock
}

/** Of one that claims nothing, and runs its handlers inline. @throws InvalidOptionError */
export function dispatcherSettings(
  tasking: Tasking,
  { name = 'dispatcher', ...options }: ImmediateRunnerOptions,
): WorkerSettings {
  const settings = settingsOf({ ...options, name, tasking, auxiliary: true })
  return { ...settings, concurrency: 0, queues: [] }
}

/** @throws InvalidOptionError */
export function workerSettings(options: WorkerOptions): WorkerSettings {
  const settings = settingsOf(options)
  const kinds = isolationsIn(options.tasking, settings.isolation)
  if (settings.childSetUp === undefined && (kinds.has('thread') || kinds.has('process'))) {
    throw new InvalidOptionError('taskingModule', undefined, 'a module, which isolation needs')
  }
  return settings
}

function settingsOf(options: WorkerOptions): WorkerSettings {
  const { concurrency = 1, queues = [defaultQueue], name = 'worker', version = '' } = options
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > 10_000) {
    throw new InvalidOptionError('concurrency', concurrency, 'a whole number from 1 to 10,000')
  }
  if (queues.length === 0 || !queues.every((queue) => isName(queue, 100))) {
    throw new InvalidOptionError('queues', queues, 'a list of at least one queue name')
  }
  if (!isName(name, 200)) {
    throw new InvalidOptionError('name', name, 'a name of 1 to 200 characters')
  }
  if (version !== '' && !isName(version, 200)) {
    throw new InvalidOptionError('version', version, 'a text of at most 200 characters')
  }
  const ttlMs = milliseconds(options.ttl ?? '30s', 'ttl')
  if (ttlMs < 1_000 || ttlMs > 86_400_000) {
    throw new InvalidOptionError('ttl', options.ttl, 'a duration from 1s to 1d')
  }
  const pollMs = milliseconds(options.pollInterval ?? 280, 'pollInterval')
  if (pollMs < 10) {
    throw new InvalidOptionError(
      'pollInterval',
      options.pollInterval,
      'a duration of at least 10ms',
    )
  }
  const { isolation = 'inline', heapLimitMb } = options
  if (!isolations.includes(isolation)) {
    throw new InvalidOptionError('isolation', isolation, `one of ${isolations.join(', ')}`)
  }
  if (heapLimitMb !== undefined && !(Number.isInteger(heapLimitMb) && heapLimitMb > 0)) {
    throw new InvalidOptionError('heapLimitMb', heapLimitMb, 'a whole number of MiB')
  }
  const logger = options.logger ?? silentLogger
  return {
    tasking: options.tasking,
    concurrency,
    queues: [...new Set(queues)],
    name,
    version,
    versions: checkedVersions(options.versions ?? {}, 'versions'),
    ttlMs: Math.round(ttlMs),
    burst: options.burst ?? false,
    burstWaitMs: milliseconds(options.burstWait ?? '1m', 'burstWait'),
    auxiliary: options.auxiliary ?? false,
    duties: dutySettings(options.housekeeping ?? {}, ttlMs),
    purge: purgeAges(options.purge ?? {}),
    pollMs,
    isolation,
    graceMs: milliseconds(options.grace ?? '10s', 'grace'),
    childSetUp: childSetUpOf(options),
    heapLimitMb,
    logger,
    onEvent: guarded(options.onEvent, logger),
    clock: options.clock ?? systemClock,
  }
}

/** The names of the definitions, by where their handlers run. */
export function isolationsIn(tasking: Tasking, fallback: Isolation): Map<Isolation, string[]> {
  const names = new Map<Isolation, string[]>()
  for (const { name, isolation = fallback } of tasking.definitions.values()) {
    names.set(isolation, [...(names.get(isolation) ?? []), name])
  }
  return names
}

function childSetUpOf({ taskingModule, taskingData }: WorkerOptions): ChildSetUp | undefined {
  if (taskingModule === undefined) return undefined
  const isUrl = taskingModule instanceof URL || taskingModule.startsWith('file:')
  const module = isUrl ? String(taskingModule) : pathToFileURL(resolve(taskingModule)).href
  return { module, ...(taskingData !== undefined && { data: taskingData }) }
}

// What somebody does with an event must not change what becomes of a task.
function guarded(onEvent: WorkerOptions['onEvent'], logger: Logger): WorkerSettings['onEvent'] {
  return (event) => {
    try {
      onEvent?.(event)
    } catch (err) {
      logger.error({ err, event: event.kind }, 'onEvent threw')
    }
  }
}
