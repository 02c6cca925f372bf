import {
  defaultQueue,
  InvalidOptionError,
  isName,
  milliseconds,
  silentLogger,
  systemClock,
} from '@tasking/core'
import type { Clock, Duration, Logger, Tasking } from '@tasking/core'
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
  /**
   * Without a heartbeat for so long the worker counts as missing: its tasks fail, and others take
   * its resources. It beats every third of it. Default 30 s, at least 1 s.
   */
  readonly ttl?: Duration
  /** An auxiliary worker does no housekeeping. Default false. */
  readonly auxiliary?: boolean
  /**
   * The longest pause between two polls while nothing is to do and no wake-ups arrive; with them it
   * is 2 s, and a large fleet polls less. Default 200 ms.
   */
  readonly pollInterval?: Duration
  readonly logger?: Logger
  /** Told of what happens, one event after the other. */
  readonly onEvent?: (event: WorkerEvent) => void
  readonly clock?: Clock
}

/** The options with their defaults, in milliseconds, checked. */
export interface WorkerSettings {
  readonly tasking: Tasking
  readonly concurrency: number
  readonly queues: readonly string[]
  readonly name: string
  readonly version: string
  readonly ttlMs: number
  readonly auxiliary: boolean
  readonly pollMs: number
  readonly logger: Logger
  readonly onEvent: (event: WorkerEvent) => void
  readonly clock: Clock
}

/** @throws InvalidOptionError */
export function workerSettings(options: WorkerOptions): WorkerSettings {
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
  const pollMs = milliseconds(options.pollInterval ?? 200, 'pollInterval')
  if (pollMs < 10) {
    throw new InvalidOptionError(
      'pollInterval',
      options.pollInterval,
      'a duration of at least 10ms',
    )
  }
  const logger = options.logger ?? silentLogger
  return {
    tasking: options.tasking,
    concurrency,
    queues: [...new Set(queues)],
    name,
    version,
    ttlMs: Math.round(ttlMs),
    auxiliary: options.auxiliary ?? false,
    pollMs,
    logger,
    onEvent: guarded(options.onEvent, logger),
    clock: options.clock ?? systemClock,
  }
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
