import { isFinal, TaskNotFoundError, TaskStateError } from '@tasking/core'
import type { PurgeBatch, PurgedBatch, TaskId, TaskState } from '@tasking/core'
import type { Connection } from '../connection.ts'
import { isTaskId } from '../task-id.ts'

const first = '00000000-0000-0000-0000-000000000000'

/** One call of the SQL function `purge`. */
export async function purge(
  connection: Connection,
  schema: string,
  { state, finishedBefore, queue, name, after, limit, dryRun = false }: PurgeBatch,
): Promise<PurgedBatch> {
  const [row] = await connection.query(
    `select purged, next from "${schema}".purge(
       $1::text::"${schema}".task_state, $2::text::timestamptz, $3, $4,
       $5::text::uuid, $6::text::uuid, $7::int, $8::text::boolean
     )`,
    [
      ...[state, finishedBefore.toISOString(), queue ?? null, name ?? null],
      ...[after ?? first, firstIdOf(finishedBefore), limit, String(dryRun)],
    ],
  )
  const [tasks, next] = row as [number, TaskId | null]
  return { tasks, next: next ?? undefined }
}

/** @throws TaskNotFoundError, TaskStateError */
export async function deleteTask(
  connection: Connection,
  schema: string,
  id: TaskId,
): Promise<void> {
  if (!isTaskId(id)) throw new TaskNotFoundError(id)
  const [row] = await connection.query(
    `with gone as (
       delete from "${schema}".task
        where id = $1::text::uuid and state in ('completed', 'failed', 'canceled', 'skipped')
       returning id
     ), its_progress as (
       delete from "${schema}".progress_report where task_id in (select id from gone)
     ), its_creations as (
       delete from "${schema}".created_resource where task_id in (select id from gone)
     )
     select exists (select from gone),
            (select state from "${schema}".task where id = $1::text::uuid)`,
    [id],
  )
  const [gone, state] = row as [boolean, TaskState | null]
  if (gone) return
  // Whoever was quicker has deleted it.
  if (state === null || isFinal(state)) throw new TaskNotFoundError(id)
  throw new TaskStateError(id, state, 'deleted')
}

// Ids begin with the moment of the dispatch, and nothing finishes before that. One that a dispatcher
// has made whose clock is fast is purged later, by so much.
function firstIdOf(moment: Date): TaskId {
  const time = Math.max(0, moment.getTime()).toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-000000000000`
}
