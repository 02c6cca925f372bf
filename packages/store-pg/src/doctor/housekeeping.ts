import type { Examination } from './examination.ts'
import type { Finding } from './finding.ts'

/** Whether some worker does what is to be done for all, where there is anything to do. */
export async function examineHousekeeping({ connection, schema }: Examination): Promise<Finding[]> {
  const code = 'housekeeping'
  const [row] = await connection.query(unattended(schema))
  const [alive, housekeepers, owned, due, unblocked] = row as [
    ...[alive: number, housekeepers: number],
    ...[owned: boolean, due: boolean, unblocked: boolean],
  ]
  if (housekeepers > 0) {
    const message = `Live workers that do housekeeping: ${housekeepers}.`
    return [{ code, severity: 'ok', message }]
  }
  const left = [
    ...(owned ? ['tasks that dead workers have left'] : []),
    ...(due ? ['tasks or schedules that are due'] : []),
    ...(unblocked ? ['tasks that wait for a worker'] : []),
  ]
  if (alive === 0 && left.length === 0) {
    const message = 'No worker is alive, and there is nothing to do.'
    return [{ code, severity: 'ok', message }]
  }
  const message =
    alive === 0
      ? `No worker is alive, and there are ${left.join(', and ')}.`
      : `No live worker does housekeeping: ${alive === 1 ? 'the only one is' : `all ${alive} are`} auxiliary.`
  const advice =
    'Until one does, nobody notices that a worker has died, and what is for later never becomes due: start one without --auxiliary.'
  return [{ code, severity: 'warning', message, advice }]
}

// Tasks that are blocked are so by one of these.
function unattended(schema: string): string {
  return `
    with alive as (
      select a.id, a.auxiliary
        from "${schema}".app_status as a
       where a.last_heartbeat_at + a.ttl_ms * interval '1 millisecond' > clock_timestamp()
    )
    select (select count(*)::int from alive), (select count(*)::int from alive as a where not a.auxiliary),
           exists (
             select from "${schema}".task as t
              where t.state in ('running', 'canceling')
                and not exists (select from alive as a where a.id = t.worker_id)
           ),
           exists (
             select from "${schema}".task as t
              where t.state = 'scheduled' and t.run_at <= clock_timestamp()
           ) or exists (
             select from "${schema}".schedule as s
              where s.next_at <= clock_timestamp() and s.paused_at is null
           ),
           exists (
             select from "${schema}".task as t
              where t.state = 'waiting' and t.unblocked_at is not null
           )`
}
