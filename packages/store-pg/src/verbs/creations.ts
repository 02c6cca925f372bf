import { asc, eq } from 'drizzle-orm'
import type { PgRemoteDatabase } from 'drizzle-orm/pg-proxy'
import { TaskLostError } from '@tasking/core'
import type { CreatedResource, CreationRecord, TaskId } from '@tasking/core'
import type { Connection } from '../connection.ts'
import type { Tables } from '../schema.ts'
import { isTaskId } from '../task-id.ts'

/** One statement, which writes nothing where the task isn't the worker's. @throws TaskLostError */
export async function recordCreation(
  connection: Connection,
  schema: string,
  { id, workerId, fencingToken, resources, state }: CreationRecord,
): Promise<void> {
  const rows = await connection.query(
    `insert into "${schema}".created_resource (task_id, resource, state, created_at)
     select t.id, r.resource, $5::text::"${schema}".creation_state, clock_timestamp()
       from "${schema}".task as t
      cross join jsonb_array_elements_text($4::text::jsonb) as r (resource)
      where t.id = $1::text::uuid and t.worker_id = $2::text::uuid
        and t.fencing_token = $3::text::bigint and t.state in ('running', 'canceling')
        -- Whoever gives the task away waits for this record, or refuses it.
        for share of t
         on conflict (task_id, resource) do update set state = excluded.state
     returning 1`,
    [id, workerId, fencingToken.toString(), JSON.stringify(resources), state],
  )
  if (rows.length === 0) throw new TaskLostError(id)
}

/** In the order in which they were named first. */
export async function creationsOf(
  db: PgRemoteDatabase,
  { createdResource: c }: Tables,
  id: TaskId,
): Promise<CreatedResource[]> {
  if (!isTaskId(id)) return []
  return db
    .select({ resource: c.resource, state: c.state, createdAt: c.createdAt })
    .from(c)
    .where(eq(c.taskId, id))
    .orderBy(asc(c.createdAt), asc(c.resource))
}
