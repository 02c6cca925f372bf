import { startPostgres } from '@tasking/local-postgres'
import type { LocalPostgres } from '@tasking/local-postgres'
import postgres from 'postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { pgStore, TooManyLocksError } from '../src/index.ts'
import type { PgStore } from '../src/index.ts'
import { emptied } from './emptied.ts'
import { rejection, taskOf } from './hand.ts'
import { OpenTransaction } from './open-transaction.ts'

/** More than the server has room for, whose table of locks is small. */
const many = 3_000
/** What one transaction may try. */
const most = 64

let server: LocalPostgres
let url: string
let store: PgStore
let sql: postgres.Sql

beforeAll(async () => {
  server = await startPostgres({
    durable: false,
    settings: { max_connections: '24', max_locks_per_transaction: '16' },
  })
  url = await server.createDatabase()
  store = pgStore({ url, listen: false, poolSize: 4, migrate: true })
  await store.list()
  sql = postgres(url, { max: 4, prepare: false, onnotice: () => undefined })
})
beforeEach(() => emptied(sql))
afterAll(async () => {
  await store.close()
  await sql.end({ timeout: 1 })
  await server.stop()
})

/** Somebody who has dispatched, and takes their time to commit. */
function dispatcher(): Promise<OpenTransaction> {
  return OpenTransaction.begin(sql, (tx) =>
    store.dispatch([taskOf(store, { exclusive: ['of somebody'] })], { tx }),
  )
}

/** As a trigger does that dispatches for each row of a statement. */
function dispatchEach(db: postgres.ISql, resource: string, count: number) {
  return db.unsafe(
    `select tasking.dispatch('task', exclusive => array[${resource}])
       from generate_series(1, $1::int) as nth`,
    [count],
  )
}

const ending = (own: postgres.Sql) => ({
  sql: own,
  [Symbol.asyncDispose]: () => own.end({ timeout: 1 }),
})

async function locks(): Promise<number> {
  const [row] = await sql`select count(*)::int as n from pg_locks where locktype = 'advisory'`
  return Number(row?.['n'])
}

test('a batch that replaces more tasks than the server has locks', async () => {
  const batch = () =>
    Array.from({ length: many }, (_, n) => ({
      ...taskOf(store, { exclusive: [`r${n}`] }),
      ...{ dedupeKey: `${n}`, ifTwin: 'replace' as const },
    }))
  await store.dispatch(batch())
  const answer = await store.dispatch(batch())
  expect(answer.filter(({ blocked }) => blocked)).toEqual([])
  const left = await sql`select count(*)::int as n from tasking.reservation`
  expect(left).toEqual([{ n: many }])
})

test('a replacement after another in one transaction, for more resources than may be tried', async () => {
  const wide = (nth: number, dedupeKey: string) => ({
    ...taskOf(store, { exclusive: Array.from({ length: 30 }, (_, n) => `r${nth} ${n}`) }),
    ...{ dedupeKey, ifTwin: 'replace' as const },
  })
  const keys = Array.from({ length: 40 }, (_, nth) => `${nth}`)
  await store.dispatch(keys.map((key, nth) => wide(nth, key)))
  await using _other = await dispatcher()
  const before = await locks()
  await using _open = await OpenTransaction.begin(sql, async (tx) => {
    for (const dedupeKey of keys) {
      await store.dispatch([{ ...taskOf(store), dedupeKey, ifTwin: 'replace' }], { tx })
    }
  })
  // The keys themselves, and the gate.
  expect((await locks()) - before).toBeLessThan(most + keys.length + 2)
})

describe('dispatches one after the other in one transaction', () => {
  test('for more resources than the server has locks', async () => {
    await dispatchEach(sql, "'r' || nth", many)
    const [left] =
      await sql`select count(*)::int as n from tasking.task where unblocked_at is not null`
    expect(left).toEqual({ n: many })
    expect(await locks()).toBe(0)
  })

  test('are refused before they use up the locks, where another one has dispatched', async () => {
    await using other = await dispatcher()
    // What postgres.js reads on a connection after such an error, it garbles.
    await using own = ending(postgres(url, { max: 1, prepare: false, onnotice: () => undefined }))
    const refused = await rejection(dispatchEach(own.sql, "'r' || nth", many))
    expect(refused).toMatchObject({ code: 'TK005', hint: expect.stringContaining('in one batch') })
    const inBatches = own.sql.begin(async (tx) => {
      for (let n = 0; n < many; n += 1) {
        await store.dispatch([taskOf(store, { exclusive: [`r${n}`] })], { tx })
      }
    })
    const error = await rejection(inBatches)
    expect(error).toBeInstanceOf(TooManyLocksError)
    expect(error).toMatchObject({ code: 'too_many_locks' })
    await other.commit()
    expect(await store.list()).toHaveLength(1)
  })

  test('go on side by side with others, where they are for few resources', async () => {
    await using _other = await dispatcher()
    await using _open = await OpenTransaction.begin(sql, (tx) =>
      dispatchEach(tx, "'r' || (nth % 9)", 500),
    )
    await store.dispatch([taskOf(store, { exclusive: ['another'] })])
  })

  test('keep no more than they have taken, where a savepoint is rolled back', async () => {
    await using _open = await OpenTransaction.begin(sql, async (tx) => {
      const taken = tx.savepoint(async (inner) => {
        await dispatchEach(inner, "'r' || nth", 500)
        throw new Error('on purpose')
      })
      await rejection(taken)
      await dispatchEach(tx, "'r' || nth", 1)
    })
    // Nobody has the gate alone any more, and the line is locked.
    await store.dispatch([taskOf(store, { exclusive: ['another'] })])
    const late = sql.begin(async (tx) => {
      await tx`set local lock_timeout = '50ms'`
      await dispatchEach(tx, "'r' || nth", 1)
    })
    expect(await rejection(late)).toMatchObject({ code: '55P03' })
  })
})
