import { InvalidOptionError } from './errors.ts'
import { storableText } from './json.ts'
import { isName } from './name.ts'
import type { TaskState } from './state-machine.ts'
import type { TaskId, WorkerId } from './task.ts'

/** How far a handler has come with one of the things that it does. */
export interface ProgressUpdate {
  /** Tells several reports of a task apart; each has a latest state. Default `progress`. */
  readonly code?: string
  readonly message: string
  /** A number from 0. */
  readonly done: number
  /** What `done` will be in the end, where that is known. */
  readonly total?: number
  /** The unit that is counted, such as `files`. */
  readonly suffix?: string
}

/** A report in its normal form. */
export interface ProgressState {
  readonly code: string
  readonly message: string
  readonly done: number
  readonly total: number | null
  readonly suffix: string | null
}

/** Reports of one task, from the worker that owns it. */
export interface TaskProgress {
  readonly id: TaskId
  readonly fencingToken: bigint
  readonly reports: readonly ProgressState[]
}

/** A report as it was last written. */
export interface ProgressReport extends ProgressState {
  /** That of the task: a report ends as its task does. */
  readonly state: TaskState
  readonly startedAt: Date
  readonly updatedAt: Date
}

/** What a store keeps of the progress of tasks. */
export interface ProgressStore {
  /**
   * Writes how far a worker's tasks have come, over what was written before.
   * @returns the tasks that aren't this worker's any more: nothing was written of those
   */
  reportProgress(workerId: WorkerId, progress: readonly TaskProgress[]): Promise<TaskId[]>
  /** How far a task has come, in the order in which its reports were begun. */
  progress(id: TaskId): Promise<ProgressReport[]>
}

/** The most reports that one task may have. */
export const maxProgressCodes = 100

const usualName = 'progress'

/** @throws InvalidOptionError */
export function progressState(update: ProgressUpdate): ProgressState {
  const { code = usualName, message, done, total, suffix } = update
  if (!isName(code, 100))
    throw new InvalidOptionError('code', code, 'a code of 1 to 100 characters')
  return {
    code,
    message: checkedText('message', message),
    done: checkedNumber('done', done),
    total: total === undefined ? null : checkedNumber('total', total),
    suffix: suffix === undefined ? null : checkedText('suffix', suffix),
  }
}

function checkedText(option: string, text: unknown): string {
  if (typeof text === 'string' && text.length <= 1_000) return storableText(text)
  throw new InvalidOptionError(option, text, 'a text of at most 1,000 characters')
}

function checkedNumber(option: string, value: unknown): number {
  if (typeof value === 'number' && value >= 0 && Number.isFinite(value)) return value
  throw new InvalidOptionError(option, value, 'a number from 0')
}
