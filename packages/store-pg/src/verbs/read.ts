import { and, arrayContains, count as countRows, desc, eq, inArray, lt, or, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/pg-proxy'
import type { SQL, SQLWrapper } from 'drizzle-orm'
import type { PgRemoteDatabase } from 'drizzle-orm/pg-proxy'
import { InvalidOptionError, taskStates } from '@tasking/core'
import type { Resources, Task, TaskCounts, TaskFilter, TaskId, TaskRelation } from '@tasking/core'
import type { Connection, Param } from '../connection.ts'
import type { Tables } from '../schema.ts'
import { isTaskId } from '../task-id.ts'

/** Drizzle on the store's own connection, whatever driver is behind it. */
export function queries(connection: Connection): PgRemoteDatabase {
  return drizzle(async (text, params: Param[]) => ({ rows: await connection.query(text, params) }))
}

/** The tasks with these ids, in no order; what isn't an id at all is no task's. */
export async function find(
  db: PgRemoteDatabase,
  { task }: Tables,
  ids: readonly TaskId[],
): Promise<Task[]> {
  const valid = ids.filter(isTaskId)
  if (valid.length === 0) return []
  // As one parameter: any number of ids, and one statement to prepare.
  const wanted = sql`select value::uuid from jsonb_array_elements_text(${JSON.stringify(valid)}::text::jsonb)`
  const rows = await db
    .select(columns(task))
    .from(task)
    .where(sql`${task.id} in (${wanted})`)
  return rows.map(toTask)
}

/** Newest first; ids grow with time. */
export async function list(
  db: PgRemoteDatabase,
  { task }: Tables,
  filter: TaskFilter,
): Promise<Task[]> {
  const { states, name, queue, resource, parentId, groupId, correlationId, limit = 100 } = filter
  const { before } = filter
  checkTaskId('before', before)
  checkTaskId('parentId', parentId)
  checkTaskId('groupId', groupId)
  const rows = await db
    .select(columns(task))
    .from(task)
    .where(
      and(
        states && inArray(task.state, [...states]),
        name === undefined ? undefined : eq(task.name, name),
        queue === undefined ? undefined : eq(task.queue, queue),
        parentId === undefined ? undefined : eq(task.parentId, parentId),
        groupId === undefined ? undefined : eq(task.groupId, groupId),
        correlationId === undefined ? undefined : eq(task.correlationId, correlationId),
        before === undefined ? undefined : lt(task.id, before),
        resource === undefined
          ? undefined
          : or(
              arrayContains(task.exclusive, [resource]),
              arrayContains(task.shared, [resource]),
              sql`${task.counted} @> ${JSON.stringify([{ resource }])}::text::jsonb`,
            ),
      ),
    )
    .orderBy(desc(task.id))
    .limit(limit)
  return rows.map(toTask)
}

/** How many of the tasks that have this in common are in each state. */
export async function count(
  db: PgRemoteDatabase,
  { task }: Tables,
  relation: TaskRelation,
): Promise<TaskCounts> {
  const [option, id] =
    'groupId' in relation
      ? (['groupId', relation.groupId] as const)
      : (['parentId', relation.parentId] as const)
  checkTaskId(option, id)
  const rows = await db
    .select({ state: task.state, tasks: countRows() })
    .from(task)
    .where(eq(task[option], id))
    .groupBy(task.state)
  const counts = new Map(rows.map(({ state, tasks }) => [state, tasks]))
  return Object.fromEntries(
    taskStates.map((state) => [state, counts.get(state) ?? 0]),
  ) as TaskCounts
}

function checkTaskId(option: string, id: TaskId | undefined): void {
  if (id !== undefined && !isTaskId(id)) throw new InvalidOptionError(option, id, "a task's id")
}

/** An array of names as JSON: drivers parse that alike, and Drizzle's own parser drops backslashes. */
export function namesIn(column: SQLWrapper): SQL<string[]> {
  return sql<string[]>`to_jsonb(${column})`
}

function columns(task: Tables['task']) {
  const { id, name, state, queue, priority, input, exclusive, shared, result, error } = task
  const { parentId, dedupeKey, workerId, fencingToken, cancelReason, counted, options } = task
  const { groupId, correlationId, runAt, attempt, endsAs } = task
  const { dispatchedAt, unblockedAt, startedAt, finishedAt } = task
  return {
    ...{ id, name, state, queue, priority, input, result, error },
    exclusive: namesIn(exclusive),
    shared: namesIn(shared),
    ...{ parentId, dedupeKey, workerId, fencingToken, cancelReason, counted, options },
    ...{ groupId, correlationId, runAt, attempt, endsAs },
    ...{ dispatchedAt, unblockedAt, startedAt, finishedAt },
  }
}

type TaskRow = Omit<Tables['task']['$inferSelect'], 'position'>

function toTask({ exclusive, shared, counted, options, ...row }: TaskRow): Task {
  return {
    ...row,
    resources: resourcesOf(exclusive, shared, counted),
    ...(options && { options }),
  }
}

/** A task's resources in their normal form, in which counted ones are left out where there are none. */
export function resourcesOf(
  exclusive: readonly string[],
  shared: readonly string[],
  counted: Resources['counted'] | null,
): Resources {
  return { exclusive, shared, ...(counted && { counted }) }
}
