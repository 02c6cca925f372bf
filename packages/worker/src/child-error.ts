import { constants } from 'node:os'
import { TaskingError } from '@tasking/core'
import type { TaskError } from '@tasking/core'
import type { ChildEnd } from './child-channel.ts'

type Kind = 'thread' | 'process'

/** A thread or process for handlers could not be started, or could not load its definitions. */
export class IsolationError extends TaskingError {
  constructor(kind: Kind, why: string, options?: ErrorOptions) {
    super('isolation_failed', `No ${kind} for handlers could be started: ${why}`, options)
  }
}

/** The thread or process of a handler ended before the handler did. */
export class HandlerCrashedError extends TaskingError {
  constructor(kind: Kind, end: ChildEnd, uncaught: TaskError | undefined) {
    super('handler_crashed', `The ${kind} that ran the handler ${wayOf(end, uncaught)}.`)
    // Where it was noticed says nothing.
    this.stack = uncaught?.stack ?? `${this.name}: ${this.message}`
  }
}

/** How it ended, in words that follow "the process". */
export function wayOf({ exitCode, signal, error }: ChildEnd, uncaught?: TaskError): string {
  if (signal !== null) return `was killed by ${signal} (signal ${constants.signals[signal]})`
  if (uncaught !== undefined) {
    return `ended because of an error that nothing caught: ${uncaught.name}: ${uncaught.message}`
  }
  if (error instanceof Error) return `ended: ${error.message}`
  return `ended with exit code ${exitCode}`
}
