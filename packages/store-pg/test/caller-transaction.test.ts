import { nodePostgres, useDatabase } from '@tasking/testbed'
import type pg from 'pg'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { pgStore } from '../src/index.ts'
import type { CallerTransaction, PgStore } from '../src/index.ts'
import { callers } from './callers.ts'
import { rejection, taskOf } from './hand.ts'

const database = useDatabase()
let store: PgStore
let sql: postgres.Sql
let pool: pg.Pool

beforeAll(() => {
  store = pgStore({ url: database.url, listen: false })
  sql = postgres(database.url, { max: 2, prepare: false, fetch_types: false })
  pool = nodePostgres(database.url, 2)
})
afterAll(async () => {
  await store.close()
  await sql.end({ timeout: 1 })
  await pool.end()
})

const rollback = new Error('the caller changed its mind')

describe.each(Object.entries(callers))('in a transaction of %s', (_name, begin) => {
  const inTransaction = (run: (tx: CallerTransaction) => Promise<void>) => begin({ sql, pool }, run)

  test('tasks exist once it has committed, and block each other', async () => {
    const [first, second] = [
      taskOf(store, { exclusive: [`of ${_name}`] }),
      taskOf(store, { exclusive: [`of ${_name}`] }),
    ]
    await inTransaction(async (tx) => {
      const [answer] = await store.dispatch([first], { tx })
      expect(answer).toEqual({ id: first.id, state: 'waiting', blocked: false })
      expect(await store.find([first.id])).toEqual([])
      const [behind] = await store.dispatch([second], { tx })
      expect(behind).toEqual({ id: second.id, state: 'waiting', blocked: true })
    })
    expect(await store.find([first.id, second.id])).toHaveLength(2)
  })

  test('a rollback leaves nothing', async () => {
    const task = taskOf(store, { exclusive: [`rolled back by ${_name}`] })
    const promise = inTransaction(async (tx) => {
      await store.dispatch([task], { tx })
      throw rollback
    })
    expect(await rejection(promise)).toBe(rollback)
    expect(await store.find([task.id])).toEqual([])
    const [answer] = await store.dispatch([
      taskOf(store, { exclusive: [`rolled back by ${_name}`] }),
    ])
    expect(answer?.blocked).toBe(false)
  })
})

test('anything else is refused as a transaction', async () => {
  const tx = {} as CallerTransaction
  expect(await rejection(store.dispatch([taskOf(store)], { tx }))).toMatchObject({
    code: 'invalid_option',
    option: 'tx',
  })
})
