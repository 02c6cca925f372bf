import type { QueueRecord } from '@tasking/core'
import type { Connection } from '../connection.ts'

export async function pauseQueue(
  connection: Connection,
  schema: string,
  queue: string,
  reason: string | undefined,
): Promise<void> {
  await connection.query(`select "${schema}".pause_queue($1, $2)`, [queue, reason ?? null])
}

export async function resumeQueue(
  connection: Connection,
  schema: string,
  queue: string,
): Promise<void> {
  await connection.query(`select "${schema}".resume_queue($1)`, [queue])
}

/** Those that live workers serve, and those that are paused, by name. */
export async function queues(connection: Connection, schema: string): Promise<QueueRecord[]> {
  const rows = await connection.query(
    `with served as (
       select q.queue, count(*) as workers
         from "${schema}".app_status as a
        cross join lateral unnest(a.queues) as q (queue)
        where a.last_heartbeat_at + a.ttl_ms * interval '1 millisecond' > clock_timestamp()
        group by q.queue
     )
     select coalesce(s.queue, p.queue),
            (extract(epoch from p.paused_at) * 1000)::float8, p.reason, coalesce(s.workers, 0)::int
       from served as s
       full join "${schema}".paused_queue as p on p.queue = s.queue
      order by coalesce(s.queue, p.queue) collate "C"`,
    [],
  )
  return rows.map((row) => {
    const [queue, pausedMs, reason, workers] = row as [string, number | null, string | null, number]
    return { queue, pausedAt: pausedMs === null ? null : new Date(pausedMs), reason, workers }
  })
}
