import { nextState, TaskNotFoundError, TaskStateError } from '@tasking/core'
import type { Look, TaskId, TaskState } from '@tasking/core'
import { isTaskId } from '../task-id.ts'
import { look } from './look.ts'
import type { Place } from './look.ts'

/**
 * One call of the SQL function `cancel`, and the second look after its commit.
 * @returns the state that the task is in now
 * @throws TaskNotFoundError, TaskStateError
 */
export async function cancel(
  place: Place,
  id: TaskId,
  reason: string | undefined,
): Promise<{ readonly state: TaskState; readonly unblocked: number }> {
  if (!isTaskId(id)) throw new TaskNotFoundError(id)
  const [row] = await place.connection.query(
    `select found_state, state, unblocked, looks from "${place.schema}".cancel($1::text::uuid, $2)`,
    [id, reason ?? null],
  )
  const [found, state, unblocked, looks] = row as [
    found: TaskState | null,
    state: TaskState,
    unblocked: number,
    looks: readonly Look[],
  ]
  if (found === null) throw new TaskNotFoundError(id)
  if (nextState(found, 'cancel') === undefined) throw new TaskStateError(id, found, 'canceled')
  return { state, unblocked: unblocked + (await look(place, looks)) }
}
