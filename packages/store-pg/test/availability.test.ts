import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { systemClock } from '@tasking/core'
import { startPostgres } from '@tasking/local-postgres'
import { useDatabase } from '@tasking/testbed'
import getPort from 'get-port'
import postgres from 'postgres'
import { expect, test } from 'vitest'
import { migrate, pgStore } from '../src/index.ts'
import { register, rejection, taskOf } from './hand.ts'

const database = useDatabase()

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
  await using store = pgStore({ url: server.url, migrate: true, listen: false })
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
  for (const verb of verbs) {
    expect(await rejection(verb())).toMatchObject({ code: 'store_unavailable' })
  }
  await server.restart()
  // Its connections are dead, but what may be repeated is.
  expect(await store.find([task.id])).toHaveLength(1)
})

test.each(['before', 'parentId'])('%s must be an id', async (option) => {
  await using store = pgStore({ url: database.url, listen: false })
  const error = await rejection(store.list({ [option]: 'x' }))
  expect(error).toMatchObject({ code: 'invalid_option', option })
})

test('no such database: the server refuses', async () => {
  const url = database.url.replace(database.name, 'no_such_database')
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
  await store.dispatch([taskOf(store)])
  const sql = postgres(database.url, { max: 1 })
  await sql`select pg_terminate_backend(pid) from pg_stat_activity
             where datname = current_database() and pid <> pg_backend_pid()`
  await sql.end({ timeout: 1 })
  expect(await store.list()).toHaveLength(1)
})

test('a lost LISTEN connection is made again, and its subscribers are told', async () => {
  await using store = pgStore({ url: database.url })
  await store.check()
  let lost: () => void = () => undefined
  const loss = new Promise<void>((resolve) => (lost = resolve))
  let woken: () => void = () => undefined
  const wakeup = new Promise<void>((resolve) => (woken = resolve))
  const end = await store.signals?.subscribe(() => woken(), lost)
  const sql = postgres(database.url, { max: 1 })
  await sql`select pg_terminate_backend(pid) from pg_stat_activity
             where datname = current_database() and application_name = 'tasking listener'`
  await sql.end({ timeout: 1 })
  await loss
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
