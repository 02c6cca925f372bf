import type { Examination } from './examination.ts'
import { firstOf } from './finding.ts'
import type { Finding } from './finding.ts'

/** Places in line that nobody will ever leave: whoever stands behind them waits for ever. */
export async function examineStrayReservations({
  connection,
  schema,
  limits,
}: Examination): Promise<Finding[]> {
  const code = 'stray_reservations'
  // A task that was completed in its handler's transaction leaves its places a little later.
  const rows = await connection.query(
    `select r.resource, r.task_id::text, t.state::text
       from (select * from "${schema}".reservation limit $1::int) as r
       left join "${schema}".task as t on t.id = r.task_id
      where t.id is null
         or t.state = 'scheduled' and t.unblocked_at is null
         or t.finished_at <= clock_timestamp() - $2::int * interval '1 millisecond'
      limit 1000`,
    [limits.rows, limits.releaseMs],
  )
  if (rows.length === 0) {
    const message = 'Every place in line is one of an unfinished task.'
    return [{ code, severity: 'ok', message }]
  }
  const findings = rows.map((row): Finding => {
    const [resource, task, state] = row as [string, string, string | null]
    const message = `Resource "${resource}" is reserved by task ${task}, which ${state === null ? 'is not there' : `is ${state}`}.`
    const advice = `It blocks whoever stands behind it. When no worker does housekeeping, start one; else: delete from "${schema}".reservation where task_id = '${task}'`
    return { code, severity: 'error', message, advice }
  })
  return firstOf(findings, limits.listed)
}

/** Unfinished tasks that don't stand in the lines of all their resources. */
export async function examineMissingReservations({
  connection,
  schema,
  limits,
}: Examination): Promise<Finding[]> {
  const code = 'missing_reservations'
  // No index knows all unfinished tasks, and ids grow with time: so the newest ones, and all that
  // run or could run.
  const rows = await connection.query(
    `with newest as (
       select t.id, t.state, t.position, t.exclusive, t.shared, t.counted,
              -- A scheduled one stands in line only where it has kept its places.
              t.state in ('waiting', 'running', 'canceling')
                or t.state = 'scheduled' and t.unblocked_at is not null as in_line
         from "${schema}".task as t order by t.id desc limit $1::int
     ), unblocked as (
       select t.id, t.state, t.position, t.exclusive, t.shared, t.counted
         from "${schema}".task as t
        where t.state = 'waiting' and t.unblocked_at is not null limit $1::int
     ), owned as (
       select t.id, t.state, t.position, t.exclusive, t.shared, t.counted
         from "${schema}".task as t
        where t.state in ('running', 'canceling') limit $1::int
     ), unfinished as (
       select id, state, position, exclusive, shared, counted from newest where in_line
       union
       select * from unblocked
       union
       select * from owned
     )
     select u.id::text, u.state::text, min(wanted.resource)
       from unfinished as u
      cross join lateral (
        select unnest(u.exclusive || u.shared) as resource
        union all
        select counted ->> 'resource' from jsonb_array_elements(u.counted) as counted
      ) as wanted
      where not exists (
        select from "${schema}".reservation as r
         where r.resource = wanted.resource collate "C" and r.position = u.position
      )
      group by u.id, u.state
      limit 1000`,
    [limits.rows],
  )
  if (rows.length === 0) {
    const message = 'Every unfinished task stands in line at its resources.'
    return [{ code, severity: 'ok', message }]
  }
  const findings = rows.map((row): Finding => {
    const [task, state, resource] = row as [string, string, string]
    const message = `Task ${task} is ${state}, but does not stand in line at resource "${resource}".`
    const advice = `Others may run beside it, and nobody may ever unblock it. Cancel it, and dispatch it anew.`
    return { code, severity: 'error', message, advice }
  })
  return firstOf(findings, limits.listed)
}
