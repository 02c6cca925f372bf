import { durationText, TaskingError } from '@tasking/core'

type AbortCode = 'task_canceled' | 'task_timeout' | 'worker_stopping' | 'worker_missing'

/** Why a handler's signal aborted. */
export class TaskAbort extends TaskingError {
  /** Whether the task ends as canceled; otherwise the handler's end decides, or it fails. */
  readonly canceled: boolean

  constructor(code: AbortCode, message: string) {
    super(code, message)
    this.canceled = code === 'task_canceled'
  }
}

/** The handler ran for longer than its task may. However it ends, the task fails with this. */
export class TaskTimeoutError extends TaskAbort {
  readonly timeoutMs: number

  constructor(timeoutMs: number) {
    super('task_timeout', `The task timed out after ${durationText(timeoutMs)}.`)
    this.timeoutMs = timeoutMs
  }
}

/** A reason in the form in which it goes to a thread or a process. */
export type AbortMessage =
  | { readonly code: Exclude<AbortCode, 'task_timeout'>; readonly message: string }
  | { readonly code: 'task_timeout'; readonly timeoutMs: number }

export function toAbortMessage(reason: TaskAbort): AbortMessage {
  if (reason instanceof TaskTimeoutError) {
    return { code: 'task_timeout', timeoutMs: reason.timeoutMs }
  }
  // The constructors take no other codes, and a timeout has a class of its own.
  return { code: reason.code as Exclude<AbortCode, 'task_timeout'>, message: reason.message }
}

export function fromAbortMessage(message: AbortMessage): TaskAbort {
  return message.code === 'task_timeout'
    ? new TaskTimeoutError(message.timeoutMs)
    : new TaskAbort(message.code, message.message)
}
