import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { systemClock } from '@tasking/core'
import { startPostgres } from '@tasking/local-postgres'
import {
  entranceTo,
  eventually,
  nodePostgres,
  pooled,
  testDatabase,
  useDatabase,
} from '@tasking/testbed'
import getPort from 'get-port'
import postgres from 'postgres'
import { beforeEach, describe, expect, test } from 'vitest'
import { migrate, pgStore } from '../src/index.ts'
import type { PgStore } from '../src/index.ts'
import { claim, completed, register, rejection, taskOf } from './hand.ts'

const database = useDatabase()
const needsListen = 'signals need LISTEN, on a direct connection'

test('no server: says where it looked, never the password', async () => {
  const port = await getPort()
  const url = `postgres://someone:secret@127.0.0.1:${port}/nowhere`
  await using store = pgStore({ url })
  for (const error of [await rejection(store.list()), await rejection(migrate({ url }))]) {
    expect(error).toMatchObject({ code: 'store_unavailable', address: `127.0.0.1:${port}/nowhere` })
    expect(String(error)).toContain(`127.0.0.1:${port}`)
    expect(String(error)).not.toContain('secret')
  }
})

test('a server that closes every connection: an error in the end, not silence', async () => {
  const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `postgres://someone@127.0.0.1:${(server.address() as AddressInfo).port}/nowhere`
  const impatient = (ms: number, signal?: AbortSignal) =>
    systemClock.sleep(Math.min(ms, 300), signal)
  await using store = pgStore({ url, clock: { ...systemClock, sleep: impatient } })
  expect(await rejection(store.check())).toMatchObject({ code: 'store_unavailable' })
  server.close()
})

test('a server that crashes: every verb says so, and works again afterwards', async () => {
  await using server = await startPostgres()
  await using entrance = await entranceTo(server.url, { patience: 1 })
  await using store = pgStore({ url: entrance.url, migrate: true, listen: false })
  const task = taskOf(store)
  await store.dispatch([task])
  await server.kill()
  const verbs = [
    () => store.dispatch([taskOf(store)]),
    () => store.list(),
    () => store.find([task.id]),
    () => store.workers(),
    () => store.cancel(task.id),
    () => store.beat(task.id),
    () => store.housekeep(),
    () => register(store),
  ]
  for (const error of await Promise.all(verbs.map((verb) => rejection(verb())))) {
    expect(error).toMatchObject({ code: 'store_unavailable' })
  }
  await server.restart()
  await entrance.ready()
  // Its connections are dead, but what may be repeated is.
  expect(await store.find([task.id])).toHaveLength(1)
})

test('a server that is read-only for a while, as in a failover: not there', async () => {
  await using other = await testDatabase()
  const sql = postgres(other.directUrl, { max: 1 })
  await sql.unsafe(`alter database "${other.name}" set default_transaction_read_only = on`)
  await sql.end({ timeout: 1 })
  await using store = pgStore({ url: other.url, listen: false })
  const error = await rejection(store.dispatch([taskOf(store)]))
  expect(error).toMatchObject({ code: 'store_unavailable' })
})

test('dispatches that wait for a lock hold up no turn and no heartbeat', async () => {
  await using store = pgStore({ url: database.url, listen: false, poolSize: 2 })
  const worker = await register(store)
  const sql = postgres(database.directUrl, { max: 1 })
  const waiting: Promise<unknown>[] = []
  await sql.begin(async (tx) => {
    await store.dispatch([taskOf(store, { exclusive: ['held'] })], { tx })
    for (let n = 0; n < 6; n += 1) {
      waiting.push(store.dispatch([taskOf(store, { exclusive: ['held'] })]))
    }
    const turn = { workerId: worker, slots: 0, completions: [], looks: [] }
    await Promise.all([store.beat(worker), store.turn(turn), store.beat(worker), store.turn(turn)])
  })
  await Promise.all(waiting)
  await sql.end({ timeout: 1 })
})

test('a node-postgres connection that is lost during the opening ends no process', async () => {
  const pool = nodePostgres(database.url, 2)
  const sql = postgres(database.directUrl, { max: 2 })
  const store = pgStore({ pool, migrate: true, listen: false })
  await sql.begin(async (tx) => {
    await tx`select pg_advisory_xact_lock(hashtextextended('tasking migration of tasking', 0))`
    const opening = rejection(store.check())
    await eventually(
      () =>
        sql`select pg_terminate_backend(pid) from pg_stat_activity
                 where wait_event = 'advisory' and datname = current_database()`.then(
          (rows) => rows.length > 0,
        ),
      { what: 'the migration to wait' },
    )
    expect(await opening).toMatchObject({ code: 'store_unavailable' })
  })
  await store.check()
  await store.close()
  await pool.end()
  await sql.end({ timeout: 1 })
})

describe('wake-ups', () => {
  beforeEach(({ skip }) => skip(pooled, needsListen))

  /** Resolves with the queues of the first wake-up after `act`. */
  async function wakeupAfter(act: (store: PgStore) => Promise<unknown>): Promise<unknown> {
    await using store = pgStore({ url: database.url })
    await store.check()
    let wake: (queue: unknown) => void = () => undefined
    const woken = new Promise((resolve) => (wake = resolve))
    let listening: () => void = () => undefined
    const connected = new Promise<void>((resolve) => (listening = resolve))
    await store.signals?.subscribe(
      (signal) => signal.kind === 'wakeup' && wake(signal.queue),
      () => listening(),
    )
    await connected
    await act(store)
    return await woken
  }

  test("come with the commit of the caller's transaction", async () => {
    const sql = postgres(database.directUrl, { max: 1 })
    const queue = await wakeupAfter((store) =>
      sql.begin((tx) => store.dispatch([{ ...taskOf(store), queue: 'of the caller' }], { tx })),
    )
    expect(queue).toBe('of the caller')
    await sql.end({ timeout: 1 })
  })

  test('tell others of what a turn unblocked but could not claim itself', async () => {
    await using quiet = pgStore({ url: database.url, listen: false })
    const worker = await register(quiet)
    const [first, theirs] = [
      taskOf(quiet, { exclusive: ['of two queues'] }),
      { ...taskOf(quiet, { exclusive: ['of two queues'] }), queue: 'theirs' },
    ]
    await quiet.dispatch([first, theirs])
    const claimed = await claim(quiet, worker, 100)
    const mine = claimed.find(({ id }) => id === first.id)
    if (mine === undefined) throw new Error('the first task should have been claimed')
    await quiet.dispatch([taskOf(quiet)])
    const queue = await wakeupAfter((store) =>
      store.turn({ workerId: worker, slots: 1, completions: [completed(mine)], looks: [] }),
    )
    expect(queue).toBeNull()
  })
})

test.each(['before', 'parentId'])('%s must be an id', async (option) => {
  await using store = pgStore({ url: database.url, listen: false })
  const error = await rejection(store.list({ [option]: 'x' }))
  expect(error).toMatchObject({ code: 'invalid_option', option })
})

test('no such database: the server refuses', async () => {
  // PgBouncer would tell of it as of an outage.
  const url = database.directUrl.replace(database.name, 'no_such_database')
  await using store = pgStore({ url })
  expect(await rejection(store.list())).toMatchObject({ code: 'store_refused' })
})

test.each(['not a url', 'http://localhost/x'])('%s is no connection string', (url) => {
  expect(() => pgStore({ url })).toThrow(
    expect.objectContaining({ code: 'invalid_option', option: 'url' }),
  )
})

test('a connection that the server ends is replaced', async () => {
  await using store = pgStore({ url: database.url, listen: false })
  const task = taskOf(store)
  await store.dispatch([task])
  const sql = postgres(database.directUrl, { max: 1 })
  await sql`select pg_terminate_backend(pid) from pg_stat_activity
             where datname = current_database() and pid <> pg_backend_pid()`
  await sql.end({ timeout: 1 })
  expect(await store.find([task.id])).toHaveLength(1)
})

test('a lost LISTEN connection is made again, and its subscribers are told', async ({ skip }) => {
  skip(pooled, needsListen)
  await using store = pgStore({ url: database.url })
  await store.check()
  let again: () => void = () => undefined
  const before: boolean[] = []
  const reconnected = new Promise<void>((resolve) => (again = resolve))
  let woken: () => void = () => undefined
  const wakeup = new Promise<void>((resolve) => (woken = resolve))
  const end = await store.signals?.subscribe(
    () => woken(),
    (connected) => {
      before.push(connected)
      if (before.join() === 'true,false,true') again()
    },
  )
  const sql = postgres(database.directUrl, { max: 1 })
  await sql`select pg_terminate_backend(pid) from pg_stat_activity
             where datname = current_database() and application_name = 'tasking listener'`
  await sql.end({ timeout: 1 })
  await reconnected
  await store.dispatch([taskOf(store)])
  await wakeup
  await end?.()
})

test('every verb is reported, with its error', async () => {
  const reports: string[] = []
  await using store = pgStore({
    url: database.url,
    onVerb: ({ verb, error }) => reports.push(error === undefined ? verb : `${verb} failed`),
  })
  const id = await register(store)
  await store.beat(id)
  await rejection(store.cancel(store.newId()))
  expect(reports).toEqual(['registerWorker', 'beat', 'cancel failed'])
})
