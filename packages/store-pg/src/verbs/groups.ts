import { and, count, desc, inArray, lt, sql } from 'drizzle-orm'
import type { PgRemoteDatabase } from 'drizzle-orm/pg-proxy'
import { GroupNotFoundError, InvalidOptionError, taskStates } from '@tasking/core'
import type {
  Look,
  NewTaskGroup,
  TaskCounts,
  TaskGroupFilter,
  TaskGroupId,
  TaskGroupRecord,
  TaskId,
} from '@tasking/core'
import type { Connection } from '../connection.ts'
import type { Tables } from '../schema.ts'
import { isTaskId } from '../task-id.ts'
import { look } from './look.ts'
import type { Place } from './look.ts'

// Short transactions: each holds the rows of its tasks.
const mostMembers = 500

export async function createGroup(
  db: PgRemoteDatabase,
  { taskGroup }: Tables,
  group: NewTaskGroup,
): Promise<void> {
  // Repeated after a lost answer, it is the same group.
  const row = { ...group, createdAt: sql`clock_timestamp()` }
  await db.insert(taskGroup).values(row).onConflictDoNothing()
}

/** One call of the SQL function `close_group`. @throws GroupNotFoundError */
export async function closeGroup(
  connection: Connection,
  schema: string,
  id: TaskGroupId,
): Promise<void> {
  if (!isTaskId(id)) throw new GroupNotFoundError(id)
  const [row] = await connection.query(`select "${schema}".close_group($1::text::uuid)`, [id])
  if (row?.[0] !== true) throw new GroupNotFoundError(id)
}

/** What came of a part of a group. */
interface CanceledMembers {
  readonly canceled: number
  readonly canceling: readonly TaskId[]
  readonly unblocked: number
  readonly more: boolean
}

/** One call of the SQL function `cancel_members`, and the second look after its commit. */
export async function cancelMembers(
  place: Place,
  id: TaskGroupId,
  reason: string | undefined,
): Promise<CanceledMembers> {
  const [row] = await place.connection.query(
    `select canceled, to_json(canceling), unblocked, looks, more
       from "${place.schema}".cancel_members($1::text::uuid, $2, $3::int)`,
    [id, reason ?? null, mostMembers],
  )
  const [canceled, canceling, unblocked, looks, more] = row as [
    number,
    readonly TaskId[],
    number,
    readonly Look[],
    boolean,
  ]
  return { canceled, canceling, unblocked: unblocked + (await look(place, looks)), more }
}

/** Newest first; ids grow with time. */
export async function groups(
  db: PgRemoteDatabase,
  { taskGroup, task }: Tables,
  { ids, limit = 100, before }: TaskGroupFilter,
): Promise<TaskGroupRecord[]> {
  if (before !== undefined && !isTaskId(before)) {
    throw new InvalidOptionError('before', before, "a group's id")
  }
  const found = await db
    .select()
    .from(taskGroup)
    .where(
      and(
        ids && inArray(taskGroup.id, ids.filter(isTaskId)),
        before === undefined ? undefined : lt(taskGroup.id, before),
      ),
    )
    .orderBy(desc(taskGroup.id))
    .limit(limit)
  if (found.length === 0) return []
  const rows = await db
    .select({ id: task.groupId, state: task.state, tasks: count() })
    .from(task)
    .where(
      inArray(
        task.groupId,
        found.map(({ id }) => id),
      ),
    )
    .groupBy(task.groupId, task.state)
  const counted = new Map(rows.map(({ id, state, tasks }) => [`${id} ${state}`, tasks]))
  return found.map((group) => ({
    ...group,
    counts: Object.fromEntries(
      taskStates.map((state) => [state, counted.get(`${group.id} ${state}`) ?? 0]),
    ) as TaskCounts,
  }))
}
