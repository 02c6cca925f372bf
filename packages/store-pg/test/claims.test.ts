import type { Store } from '@tasking/core'
import { useDatabase } from '@tasking/testbed'
import postgres from 'postgres'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { pgStore } from '../src/index.ts'
import type { PgStore } from '../src/index.ts'
import { emptied } from './emptied.ts'
import { claim, taskOf } from './hand.ts'
import { OpenTransaction } from './open-transaction.ts'

const database = useDatabase()
let store: PgStore
let sql: postgres.Sql

beforeAll(() => {
  store = pgStore({ url: database.url, listen: false, poolSize: 4 })
  sql = postgres(database.url, { max: 4, prepare: false, onnotice: () => undefined })
})
beforeEach(() => emptied(sql))
afterAll(async () => {
  await store.close()
  await sql.end({ timeout: 1 })
})

const named = (name: string, priority = 0, dedupeKey?: string) => ({
  ...{ ...taskOf(store), name, priority },
  ...(dedupeKey !== undefined && { dedupeKey, ifTwin: 'replace' as const }),
})

/** A worker that knows so many kinds of tasks. */
async function registerFor(...taskNames: string[]): Promise<string> {
  const id = store.newId()
  await store.registerWorker({
    ...{ id, name: 'by hand', ttlMs: 60_000, concurrency: 10, version: '' },
    ...{ queues: ['default'], taskNames },
  })
  return id
}

/** Somebody replaces these tasks, and takes their time to commit. */
function replacing(tasks: Parameters<Store['dispatch']>[0]): Promise<OpenTransaction> {
  const successors = tasks.map((task) => ({ ...task, id: store.newId() }))
  return OpenTransaction.begin(sql, (tx) => store.dispatch(successors, { tx }))
}

test.each([1, 5])(
  'tasks that somebody holds hide none of other names: %d held, into as many slots',
  async (count) => {
    const worker = await registerFor('a', 'b', 'c')
    const held = Array.from({ length: count }, (_, n) => named('a', 0, `key ${n}`))
    const others = Array.from({ length: 1_000 }, (_, n) => named(n % 2 === 0 ? 'b' : 'c'))
    await store.dispatch(held)
    await store.dispatch(others)
    await using open = await replacing(held)
    const claimed = await claim(store, worker, count)
    expect(claimed.map(({ id }) => id)).toEqual(others.slice(0, count).map(({ id }) => id))
    await open.rollback()
    const rest = await claim(store, worker, count)
    expect(rest.map(({ id }) => id)).toEqual(held.map(({ id }) => id))
  },
)

test('what takes their place goes by priority, whatever else is of their names', async () => {
  const worker = await registerFor('a', 'b', 'c')
  const held = named('a', 9, 'key')
  const [urgent, less, least] = [named('b', 8), named('c', 5), named('b', 1)]
  await store.dispatch([least])
  await store.dispatch([held])
  await store.dispatch([urgent, less])
  await using _open = await replacing([held])
  const claimed = await claim(store, worker, 2)
  expect(claimed.map(({ id }) => id)).toEqual([urgent.id, less.id])
})

test('of fewer tasks than slots all are claimed but the one that somebody holds', async () => {
  const worker = await registerFor('a', 'b', 'c')
  const [held, ...others] = [named('a', 0, 'key'), named('b'), named('c')]
  await store.dispatch([held, ...others])
  await using _open = await replacing([held])
  const claimed = await claim(store, worker, 5)
  expect(claimed.map(({ id }) => id)).toEqual(others.map(({ id }) => id))
})

test('with everything held nothing is claimed, and what comes then is', async () => {
  const worker = await registerFor('a', 'b')
  const held = [named('a', 0, 'key'), named('b', 0, 'key')]
  await store.dispatch(held)
  await using _open = await replacing(held)
  expect(await claim(store, worker, 3)).toEqual([])
  const next = named('b')
  await store.dispatch([next])
  expect((await claim(store, worker, 1)).map(({ id }) => id)).toEqual([next.id])
})
