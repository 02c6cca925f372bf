import { validate } from 'uuid'
import type { TaskId } from '@tasking/core'

/** Whether the text can be a task's id at all; PostgreSQL would throw on anything else. */
export function isTaskId(text: TaskId): boolean {
  return validate(text)
}
