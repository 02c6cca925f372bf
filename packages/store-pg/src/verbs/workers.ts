import { count, getTableColumns, inArray, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import type { PgRemoteDatabase } from 'drizzle-orm/pg-proxy'
import { kindOfWorker, workerStopped } from '@tasking/core'
import type {
  Beat,
  Look,
  Versions,
  WorkerId,
  WorkerRecord,
  WorkerRegistration,
} from '@tasking/core'
import { arrayText } from '../arguments.ts'
import type { Connection } from '../connection.ts'
import type { Tables } from '../schema.ts'
import { look } from './look.ts'
import type { Place } from './look.ts'
import { namesIn } from './read.ts'

/** The database's clock is the only one that a worker's life is measured by. */
const databaseNow = sql`clock_timestamp()`

export async function registerWorker(
  db: PgRemoteDatabase,
  { appStatus, schema }: Tables,
  { queues, taskNames, cleansUp, versions = {}, ...worker }: WorkerRegistration,
): Promise<void> {
  const schemaName = sql.identifier(schema.schemaName)
  const row = {
    ...worker,
    queues: [...queues],
    taskNames: [...taskNames],
    serving: sql`${schemaName}.serving_of(${arrayText(queues)}::text::text[])`,
    ...(cleansUp && { cleansUp: [...cleansUp] }),
    versions: jsonb(versions),
    claimNames: sql`${schemaName}.claim_names_of(${arrayText(taskNames)}::text::text[], ${jsonb(versions)})`,
    startedAt: databaseNow,
    lastHeartbeatAt: databaseNow,
  }
  // Repeated after a lost answer, it is the same registration.
  await db.insert(appStatus).values(row).onConflictDoNothing()
}

/** One call of the SQL function `beat`. */
export async function beat(
  connection: Connection,
  schema: string,
  ids: readonly WorkerId[],
): Promise<ReadonlyMap<WorkerId, Beat>> {
  const rows = await connection.query(
    `select worker, alive, fleet, housekeepers, owned from "${schema}".beat($1::text::uuid[])`,
    [arrayText(ids)],
  )
  return new Map(
    rows.map((row) => {
      const [id, alive, fleet, housekeepers, owned] = row as BeatRow
      return [id, { alive, fleet, housekeepers, owned }]
    }),
  )
}

type BeatRow = [WorkerId, alive: boolean, fleet: number, housekeepers: number, owned: number]

/** Ends what the worker still holds, and forgets it. */
export async function unregisterWorker(place: Place, id: WorkerId): Promise<void> {
  const [row] = await place.connection.query(
    `select looks from "${place.schema}".lose_worker($1::text::uuid, $2::text::jsonb)`,
    [id, JSON.stringify(workerStopped)],
  )
  const [looks] = row as [readonly Look[]]
  await look(place, looks)
}

export async function workers(
  db: PgRemoteDatabase,
  { appStatus, task }: Tables,
): Promise<WorkerRecord[]> {
  const { lastHeartbeatAt, ttlMs } = appStatus
  const alive = sql<boolean>`${lastHeartbeatAt} + ${ttlMs} * interval '1 millisecond' > ${databaseNow}`
  const { serving: _serving, claimNames: _claimNames, ...known } = getTableColumns(appStatus)
  const { fleet: _fleet, housekeepers: _housekeepers, ...columns } = known
  const rows = await db
    .select({
      ...columns,
      queues: namesIn(appStatus.queues),
      taskNames: namesIn(appStatus.taskNames),
      cleansUp: namesIn(appStatus.cleansUp),
      alive,
    })
    .from(appStatus)
    .orderBy(appStatus.startedAt, appStatus.id)
  const owned = await db
    .select({ workerId: task.workerId, tasks: count() })
    .from(task)
    .where(inArray(task.state, ['running', 'canceling']))
    .groupBy(task.workerId)
  const running = new Map(owned.map(({ workerId, tasks }) => [workerId, tasks]))
  return rows.map(({ versions, cleansUp, ...row }) => ({
    ...row,
    ...(cleansUp && { cleansUp }),
    ...(versions && { versions }),
    kind: kindOfWorker(row),
    runningTasks: running.get(row.id) ?? 0,
  }))
}

function jsonb(value: Versions): SQL {
  return sql`${JSON.stringify(value)}::text::jsonb`
}
