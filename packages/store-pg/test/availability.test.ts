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
  // The first may find out; from then on it works again.
  await store.list().catch(() => undefined)
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
