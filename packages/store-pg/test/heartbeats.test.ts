import { eventually, useDatabase } from '@tasking/testbed'
import postgres from 'postgres'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { pgStore } from '../src/index.ts'
import type { PgStore } from '../src/index.ts'
import { emptied } from './emptied.ts'
import { claim, register, taskOf } from './hand.ts'
import { OpenTransaction } from './open-transaction.ts'
import { somebodyWaits } from './waits.ts'

const database = useDatabase()
let store: PgStore
let sql: postgres.Sql

beforeAll(() => {
  store = pgStore({ url: database.url, listen: false })
  sql = postgres(database.url, { max: 4, prepare: false, onnotice: () => undefined })
})
beforeEach(() => emptied(sql))
afterAll(async () => {
  await store.close()
  await sql.end({ timeout: 1 })
})

/** A heartbeat that has looked before the change was committed, and stores what it found after. */
async function beatDuring(change: string, worker: string): Promise<void> {
  await using transaction = await OpenTransaction.begin(sql, (tx) => tx.unsafe(change))
  const beat = store.beat(worker)
  await eventually(() => somebodyWaits(sql), {
    what: 'a heartbeat that waits for the row of its worker',
  })
  await transaction.commit()
  expect(await beat).toMatchObject({ alive: true })
}

test('a heartbeat does not undo a pause that it has waited for, nor its end', async () => {
  const worker = await register(store)
  await store.dispatch([taskOf(store)])
  await beatDuring(`select tasking.pause_queue('default', null)`, worker)
  expect(await claim(store, worker, 1)).toEqual([])
  await beatDuring(`select tasking.resume_queue('default')`, worker)
  expect(await claim(store, worker, 1)).toHaveLength(1)
})

test('workers that beat at the same moment share a round trip, and each hears of itself', async () => {
  const verbs: string[] = []
  await using shared = pgStore({
    ...{ url: database.url, listen: false },
    onVerb: ({ verb }) => void verbs.push(verb),
  })
  const worker = await register(shared)
  const [busy, unknown] = [await register(shared), shared.newId()]
  await shared.dispatch([taskOf(shared)])
  await claim(shared, busy, 1)
  verbs.length = 0
  const beats = await Promise.all([busy, unknown, worker, busy].map((id) => shared.beat(id)))
  expect(beats).toEqual([
    { alive: true, fleet: 2, housekeepers: 2, owned: 1 },
    { alive: false, fleet: 2, housekeepers: 2, owned: 0 },
    { alive: true, fleet: 2, housekeepers: 2, owned: 0 },
    { alive: true, fleet: 2, housekeepers: 2, owned: 1 },
  ])
  expect(verbs).toEqual(['beat'])
})

test('a worker that is late counts itself with its heartbeat', async () => {
  const worker = await register(store)
  await register(store)
  await sql`update tasking.app_status set last_heartbeat_at = now() - interval '1 hour'`
  const late = { alive: true, fleet: 1, housekeepers: 1 }
  expect(await store.beat(worker)).toMatchObject(late)
  expect(await store.beat(store.newId())).toMatchObject({ alive: false, fleet: 1 })
})

test('a heartbeat does not undo what was told of new requirements meanwhile', async () => {
  const worker = store.newId()
  await store.registerWorker({
    ...{ id: worker, name: 'by hand', ttlMs: 60_000, concurrency: 10, version: '' },
    ...{ queues: ['default'], taskNames: ['task'], versions: { node: '24.0.0' } },
  })
  const options = { requires: { node: '22.0.0' } }
  await beatDuring(
    `select tasking.require_versions('[{"name": "task", "requires": {"node": "22.0.0"}}]')`,
    worker,
  )
  await store.dispatch([{ ...taskOf(store), options }])
  expect(await claim(store, worker, 1)).toHaveLength(1)
})

test('in a large fleet a heartbeat may go by an earlier count, but not for ever', async () => {
  const worker = await register(store)
  await sql`
    insert into tasking.app_status (
      id, name, version, ttl_ms, concurrency, queues, task_names, started_at, last_heartbeat_at
    )
    select gen_random_uuid(), 'one of many', '', ttl_ms, n % 2, queues, task_names, now(), now()
      from tasking.app_status, generate_series(1, 400) as n`
  expect(await store.beat(worker)).toMatchObject({ alive: true, fleet: 201, housekeepers: 401 })
  await sql`delete from tasking.app_status where id <> ${worker}`
  // Nearly every one counts anew, by chance.
  const fleets = new Set<number>()
  for (let beats = 0; beats < 100; beats += 1) fleets.add((await store.beat(worker)).fleet)
  expect([...fleets].at(-1)).toBe(1)
  expect(await sql`select fleet, housekeepers from tasking.app_status`).toEqual([
    { fleet: null, housekeepers: null },
  ])
})
