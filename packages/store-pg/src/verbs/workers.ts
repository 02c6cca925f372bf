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

export async function beat(connection: Connection, schema: string, id: WorkerId): Promise<Beat> {
  const [row] = await connection.query(
    `with alive as (
       update "${schema}".app_status
          set last_heartbeat_at = clock_timestamp(),
              -- Calling these for nothing would be half of what a beat costs.
              serving = case
                when serving is not null or exists (select from "${schema}".paused_queue)
                  then "${schema}".serving_of(queues)
              end,
              claim_names = case
                when claim_names is not null or exists (select from "${schema}".requirement)
                  then "${schema}".claim_names_of(task_names, versions)
              end
        where id = $1::text::uuid
       returning id
     )
     select exists (select from alive),
            strength.fleet, strength.housekeepers,
            (select count(*) from "${schema}".task
              where worker_id = $1::text::uuid and state in ('running', 'canceling'))::int
       from (
         select (count(*) filter (where concurrency > 0))::int as fleet,
                (count(*) filter (where not auxiliary))::int as housekeepers
           from "${schema}".app_status
          where last_heartbeat_at + ttl_ms * interval '1 millisecond' > now()
             -- The beat of one that was overdue isn't seen here yet.
             or id = $1::text::uuid
       ) as strength`,
    [id],
  )
  const [alive, fleet, housekeepers, owned] = row as [boolean, number, number, number]
  return { alive, fleet, housekeepers, owned }
}

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
  const { serving: _serving, claimNames: _claimNames, ...columns } = getTableColumns(appStatus)
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
