import {
  BatchEntryError,
  ResourcesBusyError,
  StoreUnavailableError,
  TaskingError,
} from '@tasking/core'
import type { BatchEntry } from '@tasking/core'
import { CommandError } from '../command-error.ts'
import { count } from '../count.ts'

/** An entry of a batch, and the line that asked for it. */
export interface LineEntry extends BatchEntry {
  readonly line: number
}

export function lineError(line: number, error: unknown): CommandError {
  const what = error instanceof Error ? error.message : String(error)
  // A line that comes too early is as good as any other.
  const code = error instanceof ResourcesBusyError ? error.code : 'invalid_line'
  const details = { line }
  return new CommandError(code, `Line ${line}: ${what.replace(/\.$/, '')}.`, { details })
}

/** The error of a batch, as one of the line that asked for the entry it is about. */
export function withLine(error: unknown, batch: readonly LineEntry[]): unknown {
  if (!(error instanceof BatchEntryError)) return error
  const entry = batch[error.index]
  return entry === undefined ? error : lineError(entry.line, error.cause)
}

/**
 * The same error, saying what is done and how to go on.
 * @param tasks dispatched by this command
 * @param lines so many from the top are done with
 */
export function withResumption(error: unknown, tasks: number, lines: number): CommandError {
  const code = error instanceof TaskingError ? error.code : 'unexpected'
  const message = error instanceof Error ? error.message : String(error)
  const before = error instanceof CommandError ? error.details : {}
  return new CommandError(code, message, {
    advice: advice(error, tasks, lines),
    details: { ...before, dispatched: tasks, skipLines: lines },
  })
}

function advice(error: unknown, tasks: number, lines: number): string {
  const done =
    tasks === 0
      ? 'Nothing was dispatched so far.'
      : `Dispatched so far: ${count(tasks, 'task')}, from the lines up to ${lines}.`
  const resume = lines === 0 ? 'run it again.' : `go on with --skip-lines ${lines}.`
  if (error instanceof CommandError) {
    if (error.code === 'interrupted') return `${done} To have the rest, ${resume}`
    const batch = 'Nothing of its batch was dispatched.'
    const remedy = error.code === 'invalid_line' ? 'Correct the line' : 'Wait until it is free'
    return `${batch} ${done} ${remedy}, then ${resume}`
  }
  if (error instanceof StoreUnavailableError) {
    return `${done} Those of the next batch may be, too: see "tasking list" before you ${resume}`
  }
  return `${done} When the cause is gone, ${resume}`
}
