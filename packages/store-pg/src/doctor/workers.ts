import type { Examination } from './examination.ts'
import { firstOf } from './finding.ts'
import type { Finding } from './finding.ts'

const alive = `a.last_heartbeat_at + a.ttl_ms * interval '1 millisecond' > clock_timestamp()`

/** Workers that gave no sign of life for their TTL, though nobody has noticed yet. */
export async function examineWorkers({
  connection,
  schema,
  limits,
}: Examination): Promise<Finding[]> {
  const code = 'workers'
  const rows = await connection.query(
    `select a.name, a.id::text, ${alive},
            extract(epoch from clock_timestamp() - a.last_heartbeat_at)::int
       from "${schema}".app_status as a
      order by a.last_heartbeat_at`,
  )
  const workers = rows as [name: string, id: string, alive: boolean, silent: number][]
  const overdue = workers.filter((worker) => !worker[2])
  if (overdue.length === 0) {
    const message = `No worker is past its TTL; ${workers.length} registered.`
    return [{ code, severity: 'ok', message }]
  }
  const findings = overdue.map(([name, id, , silent]): Finding => {
    const message = `Worker "${name}" (${id}) has been silent for ${silent} s, longer than its TTL.`
    const advice =
      'Within seconds another worker ends its tasks. If not, none is alive that does housekeeping: start one without --auxiliary.'
    return { code, severity: 'warning', message, advice }
  })
  return firstOf(findings, limits.listed)
}

/** Tasks that could run, had anybody their definition and their queue. */
export async function examineUnserved({
  connection,
  schema,
  limits,
}: Examination): Promise<Finding[]> {
  const code = 'unserved_tasks'
  const rows = await connection.query(unserved(schema), [limits.rows])
  if (rows.length === 0) {
    const message = 'For every task that waits unblocked there is a live worker.'
    return [{ code, severity: 'ok', message }]
  }
  const findings = rows.map((row): Finding => {
    const [queue, name, tasks, since] = row as [string, string, number, string]
    const number = tasks === 1 ? `1 task "${name}" waits` : `${tasks} tasks "${name}" wait`
    const message = `${number} unblocked in queue "${queue}" since ${since}, and no live worker with that definition serves that queue.`
    const advice = `Start a worker that has it, with --queue ${queue}, or cancel them.`
    return { code, severity: 'warning', message, advice }
  })
  return firstOf(findings, limits.listed)
}

// By the index for claims, queue by queue: what nobody takes is what stands first there.
function unserved(schema: string): string {
  return `
    with recursive line as (
      (select t.queue from "${schema}".task as t
        where t.state = 'waiting' and t.unblocked_at is not null
        order by t.queue limit 1)
      union all
      select (
        select t.queue from "${schema}".task as t
         where t.state = 'waiting' and t.unblocked_at is not null and t.queue > l.queue
         order by t.queue limit 1
      ) from line as l where l.queue is not null
    )
    select l.queue, t.name, count(*)::int,
           to_char(min(t.unblocked_at) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
      from line as l
     cross join lateral (
       select first.name, first.options, first.unblocked_at
         from "${schema}".task as first
        where first.queue = l.queue and first.state = 'waiting' and first.unblocked_at is not null
        order by first.priority desc, first.position
        limit $1::int
     ) as t
     where not exists (
       select from "${schema}".app_status as a
        where ${alive} and l.queue = any (a.queues) and coalesce(t.name || chr(31) || (t.options ->> 'requires'), t.name)
          = any (coalesce(a.claim_names, a.task_names))
     )
     group by l.queue, t.name
     order by min(t.unblocked_at)`
}
