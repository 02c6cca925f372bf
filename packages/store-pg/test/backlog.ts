import type postgres from 'postgres'

/** The id of the nth task of a kind. */
const idOf = (kind: number, nth: string | number) =>
  `('00000000-0000-7000-8${String(kind).padStart(3, '0')}-' || lpad(to_hex(${nth}), 12, '0'))::uuid`

/** What a backlog consists of; each kind has ids of its own. */
const kinds = {
  finished: 1,
  holder: 2,
  blocked: 3,
  unit: 4,
  queued: 5,
  free: 6,
  due: 7,
  later: 8,
} as const

/** The worker that runs whatever runs. */
export const workerId = '00000000-0000-7000-8000-000000000001'

/** One that knows tasks of another name, too. */
export const versatileId = '00000000-0000-7000-8000-000000000002'

/** The tasks of a backlog that a test deals with, by id. */
export const known = {
  /** Runs with `line`, at its head. */
  holder: literal(kinds.holder, 1),
  /** Runs with one of the eight units of `gpu`. */
  unit: literal(kinds.unit, 1),
  /** Waits first in `line`. */
  first: literal(kinds.blocked, 1),
  /** Waits in the middle of `line`. */
  middle: literal(kinds.blocked, 500),
} as const

function literal(kind: number, nth: number): string {
  return `00000000-0000-7000-8${String(kind).padStart(3, '0')}-${nth.toString(16).padStart(12, '0')}`
}

/** Empties the tables, and sees to it that statistics change only when a test says so. */
export async function clear(sql: postgres.Sql): Promise<void> {
  await sql`truncate tasking.task, tasking.reservation, tasking.app_status`
  for (const table of ['task', 'reservation', 'app_status']) {
    await sql.unsafe(`alter table tasking.${table} set (autovacuum_enabled = false)`)
  }
}

/** A backlog of so many finished tasks, and as many blocked at one resource, and at one that is counted. */
export async function fill(sql: postgres.Sql, size: number): Promise<void> {
  await sql`
    insert into tasking.app_status (
      id, name, version, ttl_ms, concurrency, queues, task_names, started_at, last_heartbeat_at
    )
    values
      (${workerId}, 'w', '', 3600000, 100, '{default}', '{task}', now(), now()),
      (${versatileId}, 'v', '', 3600000, 100, '{default}', '{another,task}', now(), now())`
  await insert(sql, kinds.holder, [1, 1], { ...running, exclusive: `'{line}'` })
  await insert(sql, kinds.unit, [1, 8], { ...running, counted: units })
  await insert(sql, kinds.free, [1, 20], { unblocked_at: 'now()' })
  await insert(sql, kinds.due, [1, 5], { ...scheduled, run_at: 'now()' })
  await lengthen(sql, 1, size)
}

/** Adds to a backlog those from one number to another. */
export async function lengthen(sql: postgres.Sql, from: number, to: number): Promise<void> {
  await insert(sql, kinds.finished, [from, to], {
    ...{ state: `'completed'`, finished_at: 'now()', unblocked_at: 'now()', exclusive: `'{line}'` },
  })
  await insert(sql, kinds.blocked, [from, to], { exclusive: `'{line}'` })
  await insert(sql, kinds.queued, [from, to], { counted: units })
  await insert(sql, kinds.later, [from, to], scheduled)
}

const units = `'[{"resource": "gpu", "amount": 1, "capacity": 8}]'`

const scheduled = {
  ...{ state: `'scheduled'`, run_at: `now() + interval '1 day'`, exclusive: `'{line}'` },
}

const running = {
  ...{ state: `'running'`, unblocked_at: 'now()', started_at: 'now()' },
  ...{ worker_id: `'${workerId}'`, fencing_token: 'n' },
}

async function insert(
  sql: postgres.Sql,
  kind: number,
  [from, to]: readonly [number, number],
  columns: Readonly<Record<string, string>>,
): Promise<void> {
  const row = {
    ...{ id: idOf(kind, 'n'), name: `'task'`, state: `'waiting'`, queue: `'default'` },
    ...{ priority: '0', position: `nextval('tasking.position')`, dispatched_at: 'now()' },
    ...{ exclusive: `'{}'`, shared: `'{}'`, input: `'null'`, dedupe_key: `'${kind} ' || n` },
    ...columns,
  }
  await sql.unsafe(
    `with added as (
       insert into tasking.task (${Object.keys(row).join()})
       select ${Object.values(row).join()} from generate_series(${from}::int, ${to}::int) as n
       returning *
     )
     insert into tasking.reservation
     select r.resource, t.position, r.mode, t.id, r.amount, r.capacity
       from added as t
      cross join lateral tasking.places(t.exclusive, t.shared, t.counted) as r
      where t.finished_at is null and t.state <> 'scheduled'`,
  )
}
