import type {
  ClaimedTask,
  Completion,
  JsonValue,
  ProgressState,
  TaskError,
  TaskId,
  WorkerId,
} from '@tasking/core'
import type { AbortMessage } from './task-abort.ts'

/** What a child needs before it can run a handler. */
export interface ChildSetUp {
  /** The URL of the module that exports `tasking`. */
  readonly module: string
  /** What its function gets, where it is one. */
  readonly data?: JsonValue
}

/** A handler to run. */
export interface RunOrder {
  readonly task: ClaimedTask
  readonly workerId: WorkerId
  /** The working directory while the handler runs; processes only. */
  readonly directory?: string
}

/** What a worker says to a child: a thread or a process that runs one handler at a time. */
export type ToChild =
  | { readonly kind: 'open'; readonly setUp: ChildSetUp }
  | { readonly kind: 'run'; readonly order: RunOrder }
  | { readonly kind: 'abort'; readonly taskId: TaskId; readonly reason: AbortMessage }
  | { readonly kind: 'leave' }

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

export interface LogLine {
  readonly level: LogLevel
  readonly fields: object
  readonly message: string | undefined
}

/** What a child says to its worker. */
export type FromChild =
  | { readonly kind: 'ready'; readonly taskNames: readonly string[] }
  /** It can't be set up. */
  | { readonly kind: 'broken'; readonly error: TaskError }
  /** Said before the handler is called: without it, the handler has not begun. */
  | { readonly kind: 'began' }
  | { readonly kind: 'log'; readonly line: LogLine }
  /** Of the handler that runs now. */
  | { readonly kind: 'progress'; readonly reports: readonly ProgressState[] }
  | { readonly kind: 'ended'; readonly completion: Completion }
  /** An error that nothing caught; it ends now. */
  | { readonly kind: 'uncaught'; readonly error: TaskError }
