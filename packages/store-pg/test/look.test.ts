import { systemClock } from '@tasking/core'
import type { Look } from '@tasking/core'
import { useDatabase } from '@tasking/testbed'
import postgres from 'postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Connection } from '../src/connection.ts'
import { pgStore } from '../src/index.ts'
import type { PgStore } from '../src/index.ts'
import { postgresJsPool } from '../src/postgres-js.ts'
import { look } from '../src/verbs/look.ts'
import { emptied } from './emptied.ts'
import { claim, register, taskOf } from './hand.ts'
import { OpenTransaction } from './open-transaction.ts'

const database = useDatabase()
let store: PgStore
let sql: postgres.Sql
/** Where looks go, and how many have gone there. */
let connection: Connection & { looks: number }

beforeAll(() => {
  store = pgStore({ url: database.url, listen: false })
  sql = postgres(database.directUrl, { max: 3, fetch_types: false, onnotice: () => undefined })
})
beforeEach(async () => {
  await emptied(sql)
  const pool = postgresJsPool(sql, false)
  connection = {
    ...{ address: pool.address, looks: 0 },
    query(text, params) {
      this.looks += 1
      return pool.query(text, params)
    },
  }
})
afterAll(async () => {
  await store.close()
  await sql.end({ timeout: 1 })
})

const namesOf = (lines: number) => Array.from({ length: lines }, (_, n) => `r${n}`)

const looksAt = (resources: readonly string[]): Look[] =>
  resources.map((resource) => ({ resource, mode: 'exclusive', inFlight: true }))

/** Tasks in so many lines whose way is free, though nobody has told them. */
async function forgotten(lines: number): Promise<string[]> {
  const names = namesOf(lines)
  const holder = taskOf(store, { exclusive: names })
  await store.dispatch([holder, ...names.map((name) => taskOf(store, { exclusive: [name] }))])
  // As if it had been a process that died between its commit and its look.
  await sql`delete from tasking.reservation where task_id = ${holder.id}`
  await sql`delete from tasking.task where id = ${holder.id}`
  return names
}

const place = () => ({ connection, schema: 'tasking', clock: systemClock })

describe('a second look', () => {
  test('settles as many lines as it may, however often each was released', async () => {
    const names = await forgotten(500)
    expect(await look(place(), looksAt([...names, ...names]))).toBe(500)
    expect(connection.looks).toBe(1)
  })

  test('is left to the sweep where there are more lines', async () => {
    const names = await forgotten(501)
    expect(await look(place(), looksAt(names))).toBe(0)
    expect(connection.looks).toBe(0)
    expect((await store.housekeep()).unblocked).toBe(501)
  })
})

test('a cancel that frees more lines than a look may settle leaves nobody behind', async () => {
  const names = namesOf(501)
  const holder = taskOf(store, { exclusive: names })
  await store.dispatch([holder])
  // In flight, they don't see the release, nor does that see them.
  await using dispatcher = await OpenTransaction.begin(sql, (tx) =>
    store.dispatch(
      names.map((name) => taskOf(store, { exclusive: [name] })),
      { tx },
    ),
  )
  await store.cancel(holder.id)
  await dispatcher.commit()
  const worker = await register(store)
  expect(await claim(store, worker, 501)).toEqual([])
  expect((await store.housekeep()).unblocked).toBe(501)
  expect(await claim(store, worker, 501)).toHaveLength(501)
})
