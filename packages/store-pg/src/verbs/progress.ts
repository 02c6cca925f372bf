import { asc, eq, getTableColumns } from 'drizzle-orm'
import type { PgRemoteDatabase } from 'drizzle-orm/pg-proxy'
import type { ProgressReport, TaskId, TaskProgress, WorkerId } from '@tasking/core'
import type { Connection } from '../connection.ts'
import type { Tables } from '../schema.ts'
import { isTaskId } from '../task-id.ts'

/** One call of the SQL function `report_progress`: all reports of a worker in one statement. */
export async function reportProgress(
  connection: Connection,
  schema: string,
  workerId: WorkerId,
  progress: readonly TaskProgress[],
): Promise<TaskId[]> {
  const reports = progress.flatMap(({ id, fencingToken, reports: ofTask }) =>
    ofTask.map((report) => ({ ...report, id, fencingToken: fencingToken.toString() })),
  )
  const [row] = await connection.query(
    `select to_json("${schema}".report_progress($1::text::uuid, $2::text::jsonb))`,
    [workerId, JSON.stringify(reports)],
  )
  const [refused] = row as [TaskId[]]
  return refused
}

/** In the order in which they were begun. */
export async function progressOf(
  db: PgRemoteDatabase,
  { progressReport, task }: Tables,
  id: TaskId,
): Promise<ProgressReport[]> {
  if (!isTaskId(id)) return []
  const { taskId: _taskId, fencingToken: _token, ...columns } = getTableColumns(progressReport)
  return db
    .select({ ...columns, state: task.state })
    .from(progressReport)
    .innerJoin(task, eq(task.id, progressReport.taskId))
    .where(eq(progressReport.taskId, id))
    .orderBy(asc(progressReport.startedAt), asc(progressReport.code))
}
