import { systemClock } from '@tasking/core'
import type { Signal } from '@tasking/core'
import { eventually, pooled, useDatabase } from '@tasking/testbed'
import postgres from 'postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { pgStore } from '../src/index.ts'
import type { PgStore } from '../src/index.ts'
import { Listener } from '../src/listener.ts'
import { wakeup } from '../src/signals.ts'
import { emptied } from './emptied.ts'
import { taskOf } from './hand.ts'
import { OpenTransaction } from './open-transaction.ts'

const database = useDatabase()
const heard: Signal[] = []
const notices: string[] = []
let sql: postgres.Sql
let client: postgres.Sql
let store: PgStore
let listener: Listener

beforeAll(async () => {
  sql = postgres(database.url, { max: 2, prepare: false, onnotice: () => undefined })
  client = postgres(database.url, {
    ...{ max: 2, prepare: false, fetch_types: false },
    debug: (_connection, query) => void (query.includes('select pg_notify') && notices.push(query)),
  })
  store = pgStore({ client })
  listener = new Listener(database.directUrl, 'tasking_signals', systemClock)
  await listener.subscribe(
    (signal) => void heard.push(signal),
    () => undefined,
  )
})
beforeEach(async () => {
  await emptied(sql)
  heard.length = 0
  notices.length = 0
})
afterAll(async () => {
  await listener.close()
  await store.close()
  await Promise.all([client.end(), sql.end()])
})

/** Waits for a signal of its own that is sent after all others. */
async function allHeard(): Promise<Signal[]> {
  await sql`select pg_notify('tasking_signals', ${JSON.stringify({ kind: 'cancel', taskId: 'last' })})`
  await eventually(() => heard.some(({ kind }) => kind === 'cancel'), { what: 'the last signal' })
  return heard.filter(({ kind }) => kind !== 'cancel')
}

describe.skipIf(pooled)('a dispatch where little goes on', () => {
  test('wakes workers with its own commit', async () => {
    await store.dispatch([taskOf(store)])
    expect(await allHeard()).toEqual([wakeup('default', 1)])
    expect(notices).toEqual([])
  })

  test('wakes nobody for a task that is blocked', async () => {
    const reserving = () => taskOf(store, { exclusive: ['a'] })
    await store.dispatch([reserving(), reserving()])
    await eventually(() => heard.length > 0, { what: 'the wake-up for the first one' })
    heard.length = 0
    await store.dispatch([reserving()])
    expect(await allHeard()).toEqual([])
  })

  test('leaves the wake-up to a statement of its own while another commit is about to carry one', async () => {
    await using transaction = await OpenTransaction.begin(
      sql,
      (tx) => tx`select tasking.wake_with_commit('{"kind": "due", "inMs": 1}')`,
    )
    await store.dispatch([taskOf(store)])
    await eventually(() => heard.length > 0, { what: 'the wake-up, although the other waits' })
    expect(heard).toEqual([wakeup('default', 1)])
    expect(notices).toHaveLength(1)
    await transaction.commit()
    expect(await allHeard()).toEqual([wakeup('default', 1), { kind: 'due', inMs: 1 }])
  })

  test('leaves it to one for many where more goes on', async () => {
    await Promise.all(Array.from({ length: 20 }, () => store.dispatch([taskOf(store)])))
    await eventually(() => notices.length > 0, { what: 'a statement that notifies' })
    const told = await allHeard()
    expect(told.length).toBeLessThan(20)
  })
})
