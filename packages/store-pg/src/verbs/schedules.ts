import { and, asc, eq, sql } from 'drizzle-orm'
import type { PgRemoteDatabase } from 'drizzle-orm/pg-proxy'
import type {
  DueSchedules,
  Firing,
  FiringOutcome,
  Look,
  NewSchedule,
  Schedule,
  ScheduledTask,
  SchedulePlan,
  TaskId,
  Timing,
} from '@tasking/core'
import type { Connection } from '../connection.ts'
import type { Tables } from '../schema.ts'
import { look } from './look.ts'
import type { Place } from './look.ts'

const databaseNow = sql`clock_timestamp()`

/** Makes it, or changes what is different; then it is due anew only with another timing. */
export async function setSchedule(
  db: PgRemoteDatabase,
  tables: Tables,
  { name, timing, task, nextAt }: NewSchedule,
): Promise<Schedule> {
  const { schedule } = tables
  const row = { name, timing: jsonb(timing), task: jsonb(task), nextAt, revision: 1 }
  await db
    .insert(schedule)
    .values(row)
    .onConflictDoUpdate({
      target: schedule.name,
      set: {
        timing: sql`excluded.timing`,
        task: sql`excluded.task`,
        nextAt: sql`case when ${schedule.timing} = excluded.timing then ${schedule.nextAt} else excluded.next_at end`,
        revision: sql`${schedule.revision} + 1`,
      },
      setWhere: sql`(${schedule.timing}, ${schedule.task}) is distinct from (excluded.timing, excluded.task)`,
    })
  const [set] = await schedules(db, tables, name)
  // Removed in the moment between: as if it were removed after.
  return set ?? { ...never, name, timing, task, nextAt, revision: 1 }
}

const never = { pausedAt: null, lastTaskId: null, lastFiredAt: null, lastSkippedAt: null }

export async function schedules(
  db: PgRemoteDatabase,
  { schedule }: Tables,
  name?: string,
): Promise<Schedule[]> {
  const rows = await db
    .select()
    .from(schedule)
    .where(name === undefined ? undefined : eq(schedule.name, name))
    .orderBy(asc(schedule.name))
  return rows
}

export async function removeSchedule(
  db: PgRemoteDatabase,
  { schedule }: Tables,
  name: string,
): Promise<boolean> {
  const removed = await db
    .delete(schedule)
    .where(eq(schedule.name, name))
    .returning({ name: schedule.name })
  return removed.length > 0
}

export async function planSchedule(
  db: PgRemoteDatabase,
  { schedule }: Tables,
  { name, revision, paused, nextAt }: SchedulePlan,
): Promise<boolean> {
  const changed = await db
    .update(schedule)
    .set({
      nextAt,
      pausedAt: paused ? sql`coalesce(${schedule.pausedAt}, ${databaseNow})` : null,
      revision: revision + 1,
    })
    .where(and(eq(schedule.name, name), eq(schedule.revision, revision)))
    .returning({ name: schedule.name })
  return changed.length > 0
}

interface PlannedDocument {
  readonly now: number
  readonly planned: readonly PlannedRow[]
}

/** As PostgreSQL's JSON has it: times are texts. */
interface PlannedRow {
  readonly name: string
  readonly timing: Timing
  readonly task: ScheduledTask
  readonly revision: number
  readonly last_task_id: TaskId | null
  readonly next_at: string
  readonly last_fired_at: string | null
  readonly last_skipped_at: string | null
}

/** The database's clock says what is due. One more than asked for is read: it tells of the next. */
export async function dueSchedules(
  connection: Connection,
  schema: string,
  limit: number,
): Promise<DueSchedules> {
  const [row] = await connection.query(
    `select json_build_object(
              'now', extract(epoch from moment.at) * 1000,
              'planned', (
                select coalesce(json_agg(p order by p.next_at), '[]')
                  from (
                    select * from "${schema}".schedule as s
                     where s.next_at is not null and s.paused_at is null
                     order by s.next_at limit $1::text::int + 1
                  ) as p
              )
            )
       from (select clock_timestamp() as at) as moment`,
    [String(limit)],
  )
  const [{ now, planned }] = row as [PlannedDocument]
  const schedules = planned.map(toPlanned)
  const due = schedules.slice(0, limit).filter(({ nextAt }) => nextAt.getTime() <= now)
  const next = schedules[due.length]
  const nextInMs = next === undefined ? null : Math.max(0, next.nextAt.getTime() - now)
  return { due, now: new Date(now), nextInMs }
}

/** One call of the SQL function `fire_schedule`, and the second look after its commit. */
export async function fireSchedule(
  place: Place,
  { name, taskId, due }: Firing,
): Promise<{ readonly outcome: FiringOutcome; readonly unblocked: number }> {
  const [row] = await place.connection.query(
    `select outcome, id, blocked, unblocked, looks from "${place.schema}".fire_schedule(
       $1, $2::text::uuid, $3::text::int, $4::text::timestamptz
     )`,
    [name, taskId, textOf(due?.revision), due?.nextAt?.toISOString() ?? null],
  )
  const [kind, id, blocked, unblocked, looks] = row as [
    ...[FiringOutcome['kind'], TaskId, boolean, number, readonly Look[]],
  ]
  const outcome =
    kind === 'fired'
      ? { kind, taskId: id, blocked }
      : kind === 'unfinished'
        ? { kind, taskId: id }
        : { kind }
  return { outcome, unblocked: unblocked + (await look(place, looks)) }
}

function textOf(revision: number | undefined): string | null {
  return revision === undefined ? null : String(revision)
}

function toPlanned({ last_task_id, next_at, last_fired_at, last_skipped_at, ...rest }: PlannedRow) {
  const { name, timing, task, revision } = rest
  return {
    ...{ name, timing, task, revision, pausedAt: null },
    ...{ lastTaskId: last_task_id, nextAt: new Date(next_at) },
    lastFiredAt: last_fired_at === null ? null : new Date(last_fired_at),
    lastSkippedAt: last_skipped_at === null ? null : new Date(last_skipped_at),
  }
}

// Drivers differ in how they send objects; all send text.
function jsonb(value: object) {
  return sql`${JSON.stringify(value)}::text::jsonb`
}
