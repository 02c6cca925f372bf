import type { TaskError, TaskId } from './task.ts'

/** Why a task was skipped that has an incomplete twin. */
export function skippedForTwin(twin: TaskId): TaskError {
  return {
    name: 'TaskSkippedError',
    code: 'twin_incomplete',
    message: `Task ${twin} with the same dedupe key is incomplete.`,
  }
}

/** Why a task was skipped that was not to wait. */
export function skippedFor(resource: string): TaskError {
  return {
    name: 'TaskSkippedError',
    code: 'resources_busy',
    message: `Resource "${resource}" is taken.`,
  }
}

/** Why a task was canceled that another took the place of. */
export function replacedBy(task: TaskId): string {
  return `Replaced by task ${task}.`
}
