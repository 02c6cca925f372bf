import { batchEntry, createTasking, defineTask } from '@tasking/core'
import type { ResourceRequest } from '@tasking/core'
import { pgStore } from '@tasking/store-pg'
import type { BenchDatabase } from './bench-database.ts'
import { benchTask } from './bench-task.ts'

const batchSize = 1_000
const dayMs = 86_400_000

/** Of a name that no worker of the benchmark knows. */
const foreignTask = defineTask({
  name: 'bench.foreign',
  resources: (input: ResourceRequest) => input,
  run: () => null,
})

/** Tasks that stand in line behind a running one on one resource, which never ends. */
export async function fillBlocked(database: BenchDatabase, count: number): Promise<void> {
  await using tasking = client(database)
  const { store } = tasking
  const resources = { exclusive: ['stuck'] }
  await tasking.dispatch(foreignTask, resources)
  const workerId = store.newId()
  await store.registerWorker({
    id: workerId,
    ...{ name: 'holder', version: '', ttlMs: dayMs, concurrency: 1 },
    ...{ queues: ['default'], taskNames: [foreignTask.name] },
  })
  await store.turn({ workerId, slots: 1, completions: [], looks: [] })
  await dispatchMany(count, (size) =>
    tasking.dispatchBatch(Array.from({ length: size }, () => batchEntry(benchTask, resources))),
  )
}

/** Tasks that nothing blocks, of a name that no worker knows. */
export async function fillUnclaimable(database: BenchDatabase, count: number): Promise<void> {
  await using tasking = client(database)
  await dispatchMany(count, (size) =>
    tasking.dispatchBatch(Array.from({ length: size }, () => batchEntry(foreignTask, {}))),
  )
}

/** Finished tasks of the last month: copies of one that was really dispatched, run and finished. */
export async function fillFinished(database: BenchDatabase, count: number): Promise<void> {
  const { sql } = database
  await finishOne(database)
  const columns = await sql<{ name: string }[]>`
    select column_name as name from information_schema.columns
     where table_schema = 'tasking' and table_name = 'task' and is_generated = 'NEVER'
     order by ordinal_position`
  const moment = `now() - interval '30 days' * (1 - n::float8 / ${count})`
  // As version 7 of UUIDs: the milliseconds first, so that later tasks have greater ids.
  const id = `(lpad(to_hex((extract(epoch from ${moment}) * 1000)::bigint), 12, '0')
    || '7' || substr(md5(n::text), 1, 3) || '8' || substr(md5(n::text), 4, 15))::uuid`
  const values: Record<string, string> = {
    id,
    position: 'n',
    fencing_token: 'n',
    ...Object.fromEntries(
      ['dispatched_at', 'unblocked_at', 'started_at', 'finished_at'].map((name) => [name, moment]),
    ),
  }
  const names = columns.map(({ name }) => `"${name}"`)
  const sources = columns.map(({ name }) => values[name] ?? `model."${name}"`)
  await sql.unsafe(
    `insert into tasking.task (${names.join(', ')})
     select ${sources.join(', ')}
       from (select * from tasking.task limit 1) as model
      cross join generate_series(2::bigint, ${count}) as n`,
  )
  await sql`select setval('tasking.position', ${count}), setval('tasking.fencing_token', ${count})`
}

async function finishOne(database: BenchDatabase): Promise<void> {
  await using tasking = client(database)
  const { store } = tasking
  await tasking.dispatch(benchTask, { exclusive: ['resource:1', 'resource:2'] })
  const id = store.newId()
  const registration = { id, name: 'filler', version: '', ttlMs: dayMs, concurrency: 1 }
  await store.registerWorker({
    ...registration,
    ...{ queues: ['default'], taskNames: [benchTask.name] },
  })
  const ask = { workerId: id, slots: 1, completions: [], looks: [] }
  const { claimed } = await store.turn(ask)
  const completions = claimed.map((task) => ({
    ...{ id: task.id, fencingToken: task.fencingToken },
    ...{ state: 'completed' as const, result: null },
  }))
  await store.turn({ ...ask, slots: 0, completions })
  await store.unregisterWorker(id)
}

function client({ url }: BenchDatabase) {
  const store = pgStore({ url, listen: false })
  return createTasking({ store, tasks: [benchTask, foreignTask] })
}

async function dispatchMany(count: number, dispatch: (size: number) => Promise<unknown>) {
  for (let left = count; left > 0; left -= batchSize) await dispatch(Math.min(batchSize, left))
}
