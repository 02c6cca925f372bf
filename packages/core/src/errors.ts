import { isFinal } from './state-machine.ts'
import type { TaskState } from './state-machine.ts'
import type { TaskError, TaskGroupId, TaskId } from './task.ts'

/** What every error of Tasking is: a stable `code` for programs, and words for people. */
export class TaskingError extends Error {
  /** Stable across versions; compare this, never the message. */
  readonly code: string

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.name = new.target.name
  }
}

// The offending value may be what has no JSON form.
function shown(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value)
  } catch {
    return typeof value === 'bigint' ? `${value}n` : `this ${typeof value}`
  }
}

/** An option or setting that can't be used. */
export class InvalidOptionError extends TaskingError {
  readonly option: string
  readonly value: unknown

  constructor(option: string, value: unknown, expected: string) {
    super('invalid_option', `${option}: ${shown(value)} is not ${expected}.`)
    this.option = option
    this.value = value
  }
}

/** A value that JSON, or PostgreSQL's jsonb, can't hold. */
export class NotJsonError extends TaskingError {
  constructor(what: string, why: string, options?: ErrorOptions) {
    super('not_json', `The ${what} can't be stored as JSON: ${why}.`, options)
  }
}

/** An input is, or has to be, encrypted, and there is no key for it here. */
export class EncryptionKeyMissingError extends TaskingError {
  /** The one that is missing; without it, any key would do. */
  readonly keyId: string | undefined

  constructor(taskName: string, keyId?: string) {
    super(
      'encryption_key_missing',
      keyId === undefined
        ? `The input of "${taskName}" has to be encrypted, and there is no key: give createTasking encryption keys, or set TASKING_ENCRYPTION_KEYS.`
        : `The input of "${taskName}" is encrypted with the key "${keyId}", which is not among the encryption keys here.`,
    )
    this.keyId = keyId
  }
}

/** An encrypted input can't be decrypted: it was changed, or belongs to another task. */
export class DecryptionError extends TaskingError {
  constructor(taskName: string, keyId: string, options?: ErrorOptions) {
    super(
      'decryption_failed',
      `The input of "${taskName}" can't be decrypted with the key "${keyId}": it was changed, was another task's, or this is another key of that name.`,
      options,
    )
  }
}

/** A resource name that can't be reserved. */
export class InvalidResourceError extends TaskingError {
  readonly resource: unknown

  constructor(resource: unknown, why: string) {
    super('invalid_resource', `Resource ${shown(resource)} can't be reserved: ${why}.`)
    this.resource = resource
  }
}

/** A task name without a definition here. */
export class UnknownTaskError extends TaskingError {
  readonly taskName: string
  readonly known: readonly string[]

  constructor(taskName: string, known: readonly string[]) {
    const names = known.length === 0 ? 'none is known here' : `known here: ${known.join(', ')}`
    super('unknown_task', `There is no task named "${taskName}" (${names}).`)
    this.taskName = taskName
    this.known = known
  }
}

/** Two definitions with one name. */
export class DuplicateTaskError extends TaskingError {
  constructor(taskName: string) {
    super('duplicate_task', `Two task definitions are named "${taskName}"; names must be unique.`)
  }
}

/** One thing that a schema found wrong with an input. */
export interface InputIssue {
  /** Where in the input, such as `remotes.0.url`; empty for the input as a whole. */
  readonly path: string
  readonly message: string
}

/** An input that doesn't fit its task's schema. */
export class InvalidInputError extends TaskingError {
  readonly taskName: string
  readonly issues: readonly InputIssue[]

  constructor(taskName: string, issues: readonly InputIssue[]) {
    const list = issues.map(({ path, message }) => (path ? `${path}: ${message}` : message))
    super('invalid_input', `The input of "${taskName}" is not valid: ${list.join('; ')}.`)
    this.taskName = taskName
    this.issues = issues
  }
}

/** An entry of a batch that can't be dispatched; its `cause` says why, and gives the code. */
export class BatchEntryError extends TaskingError {
  /** Of the entry, from 0. */
  readonly index: number

  constructor(index: number, cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause)
    const code = cause instanceof TaskingError ? cause.code : 'invalid_entry'
    super(code, `Entry ${index} of the batch: ${why}`, { cause })
    this.index = index
  }
}

/** No task has this id. */
export class TaskNotFoundError extends TaskingError {
  readonly taskId: TaskId

  constructor(taskId: TaskId) {
    super('task_not_found', `There is no task ${taskId}.`)
    this.taskId = taskId
  }
}

/** No schedule has this name. */
export class ScheduleNotFoundError extends TaskingError {
  readonly schedule: string

  constructor(schedule: string) {
    super('schedule_not_found', `There is no schedule "${schedule}".`)
    this.schedule = schedule
  }
}

/** What was asked of a task isn't possible in the state it is in. */
export class TaskStateError extends TaskingError {
  readonly taskId: TaskId
  readonly state: TaskState

  constructor(taskId: TaskId, state: TaskState, wish: string) {
    const already = isFinal(state) ? ' already' : ''
    super('task_state_conflict', `Task ${taskId} can't be ${wish}: it is ${state}${already}.`)
    this.taskId = taskId
    this.state = state
  }
}

/** The wait for a result ended before the task did; the task goes on. */
export class ResultTimeoutError extends TaskingError {
  readonly taskId: TaskId

  constructor(taskId: TaskId, waitedMs: number) {
    super(
      'result_timeout',
      `Task ${taskId} was not finished after ${waitedMs} ms; it goes on, only the wait ended.`,
    )
    this.taskId = taskId
  }
}

/** The task whose result was awaited ended as failed. */
export class TaskFailedError extends TaskingError {
  readonly taskId: TaskId
  readonly error: TaskError

  constructor(taskId: TaskId, error: TaskError) {
    super('task_failed', `Task ${taskId} failed: ${error.message}`)
    this.taskId = taskId
    this.error = error
  }
}

/** The task whose result was awaited was canceled. */
export class TaskCanceledError extends TaskingError {
  readonly taskId: TaskId

  constructor(taskId: TaskId, reason: string | null) {
    super('task_canceled', `Task ${taskId} was canceled${reason ? `: ${reason}` : '.'}`)
    this.taskId = taskId
  }
}

/** The task whose result was awaited was never to run: it had a twin, or was blocked. */
export class TaskSkippedError extends TaskingError {
  readonly taskId: TaskId
  readonly error: TaskError

  constructor(taskId: TaskId, error: TaskError) {
    super('task_skipped', `Task ${taskId} was skipped: ${error.message}`)
    this.taskId = taskId
    this.error = error
  }
}

/** A dispatch with `ifBlocked: 'fail'` found something in line before it; nothing was dispatched. */
export class ResourcesBusyError extends TaskingError {
  /** One that isn't free. */
  readonly resource: string
  /** Of the task in its batch, from 0. */
  readonly index: number

  constructor(resource: string, index = 0) {
    super('resources_busy', `Resource "${resource}" is taken, and the task is not to wait for it.`)
    this.resource = resource
    this.index = index
  }
}

/** A task that has to run where it is dispatched can't. Nothing was dispatched. */
export class NotDeferrableError extends TaskingError {
  readonly taskName: string

  constructor(taskName: string, why: string) {
    super(
      'not_deferrable',
      `"${taskName}" is immediate and not deferrable: it has to run in this process, but ${why}.`,
    )
    this.taskName = taskName
  }
}

/** The handler of an immediate task has returned no promise, so it may block its dispatcher. */
export class HandlerNotAsyncError extends TaskingError {
  readonly taskName: string

  constructor(taskName: string) {
    super(
      'handler_not_async',
      `The handler of the immediate task "${taskName}" has to be async: it returned no promise.`,
    )
    this.taskName = taskName
  }
}

/** No group has this id. */
export class GroupNotFoundError extends TaskingError {
  readonly groupId: TaskGroupId

  constructor(groupId: TaskGroupId) {
    super('group_not_found', `There is no group ${groupId}.`)
    this.groupId = groupId
  }
}

/** The group takes in nothing more: it was closed, canceled, or has its finalizer already. */
export class GroupClosedError extends TaskingError {
  readonly groupId: TaskGroupId

  constructor(groupId: TaskGroupId) {
    super('group_closed', `Group ${groupId} is closed: nothing more can be dispatched into it.`)
    this.groupId = groupId
  }
}

/** The wait for a group ended before its tasks did; they go on. */
export class GroupTimeoutError extends TaskingError {
  readonly groupId: TaskGroupId

  constructor(groupId: TaskGroupId, waitedMs: number) {
    super(
      'group_timeout',
      `Group ${groupId} was not finished after ${waitedMs} ms; its tasks go on, only the wait ended.`,
    )
    this.groupId = groupId
  }
}

/** The task isn't this handler's any more: its worker was taken for dead, or it has ended. */
export class TaskLostError extends TaskingError {
  readonly taskId: TaskId

  constructor(taskId: TaskId) {
    super(
      'task_lost',
      `Task ${taskId} is not this handler's any more. Roll the transaction back: another may have done the work.`,
    )
    this.taskId = taskId
  }
}

/** This worker's registration has expired: its tasks were, or will be, given away. */
export class WorkerMissingError extends TaskingError {
  readonly workerId: string

  constructor(workerId: string) {
    super(
      'worker_missing',
      `Worker ${workerId} is not registered: it could not renew its heartbeat within its TTL, so others take its tasks.`,
    )
    this.workerId = workerId
  }
}

/** The store can't be reached. What was sent may or may not have been carried out. */
export class StoreUnavailableError extends TaskingError {
  readonly address: string

  constructor(address: string, why: string, options?: ErrorOptions) {
    super('store_unavailable', `No answer from the database at ${address}: ${why}.`, options)
    this.address = address
  }
}
