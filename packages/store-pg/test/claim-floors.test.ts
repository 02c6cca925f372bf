import { systemClock } from '@tasking/core'
import type { ClaimedTask, Clock } from '@tasking/core'
import { useDatabase } from '@tasking/testbed'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ClaimFloors } from '../src/claim-floors.ts'
import type { Floors } from '../src/claim-floors.ts'
import { pgStore } from '../src/index.ts'
import { claim, completed, register, taskOf } from './hand.ts'
import { OpenTransaction } from './open-transaction.ts'

const worker = 'worker'

function at(position: number, rank = 0): Floors {
  return [['default', 'task', [rank, position]]]
}

function setUp() {
  let nowMs = 0
  const clock: Clock = { ...systemClock, now: () => new Date(nowMs) }
  return {
    floors: new ClaimFloors(clock),
    pass: (ms: number) => {
      nowMs += ms
    },
  }
}

describe('where a claim begins', () => {
  test('at the front, as long as looks from there are quick', () => {
    const { floors } = setUp()
    expect(floors.next(worker)).toBeUndefined()
    floors.learn(worker, undefined, { lookMs: 2, floors: at(7), isFull: true })
    expect(floors.next(worker)).toBeUndefined()
  })

  test('after a slow look where that ended, for fifty times as long as it took', () => {
    const { floors, pass } = setUp()
    floors.learn(worker, undefined, { lookMs: 10, floors: at(7), isFull: true })
    expect(floors.next('another')).toBeUndefined()
    pass(499)
    expect(floors.next(worker)).toEqual(at(7))
    pass(1)
    expect(floors.next(worker)).toBeUndefined()
  })

  test('the longer, the more workers share the slow looks, but never for more than a minute', () => {
    const { floors, pass } = setUp()
    floors.fleet = 4
    floors.learn(worker, undefined, { lookMs: 10, floors: at(7), isFull: true })
    pass(1_999)
    expect(floors.next(worker)).toEqual(at(7))
    pass(1)
    expect(floors.next(worker)).toBeUndefined()
    floors.fleet = 1_000
    floors.learn(worker, undefined, { lookMs: 10, floors: at(7), isFull: true })
    pass(59_999)
    expect(floors.next(worker)).toEqual(at(7))
    pass(1)
    expect(floors.next(worker)).toBeUndefined()
  })

  test('moves on with each claim, and never back', () => {
    const { floors } = setUp()
    floors.learn(worker, undefined, { lookMs: 10, floors: at(7), isFull: true })
    floors.learn(worker, floors.next(worker), { lookMs: 0, floors: at(9), isFull: true })
    floors.learn(worker, floors.next(worker), { lookMs: 0, floors: at(3), isFull: false })
    expect(floors.next(worker)).toEqual(at(9))
    // A lower priority stands further back, whatever the position.
    floors.learn(worker, floors.next(worker), { lookMs: 0, floors: at(1, 5), isFull: false })
    expect(floors.next(worker)).toEqual(at(1, 5))
  })

  test('is not moved on by a claim that began before another one looked from the front', () => {
    const { floors, pass } = setUp()
    floors.learn(worker, undefined, { lookMs: 10, floors: at(7), isFull: true })
    const early = floors.next(worker)
    pass(500)
    expect(floors.next(worker)).toBeUndefined()
    floors.learn(worker, undefined, { lookMs: 10, floors: at(3), isFull: true })
    floors.learn(worker, early, { lookMs: 0, floors: at(9), isFull: true })
    expect(floors.next(worker)).toEqual(at(3))
  })

  test('goes back with a look from the front that may have left something there', () => {
    const { floors, pass } = setUp()
    floors.learn(worker, undefined, { lookMs: 10, floors: at(7), isFull: false })
    pass(500)
    floors.learn(worker, undefined, { lookMs: 10, floors: at(3), isFull: false })
    expect(floors.next(worker)).toEqual(at(7))
    pass(500)
    floors.learn(worker, undefined, { lookMs: 10, floors: at(3), isFull: true })
    expect(floors.next(worker)).toEqual(at(3))
  })

  test('at the front again, once that is quick', () => {
    const { floors, pass } = setUp()
    floors.learn(worker, undefined, { lookMs: 10, floors: at(7), isFull: true })
    pass(500)
    floors.learn(worker, undefined, { lookMs: 1, floors: [], isFull: false })
    expect(floors.next(worker)).toBeUndefined()
  })
})

describe('a claim from a floor', () => {
  const database = useDatabase()
  let sql: postgres.Sql

  beforeAll(() => {
    sql = postgres(database.directUrl, { max: 4, fetch_types: false, onnotice: () => undefined })
  })
  afterAll(() => sql.end({ timeout: 1 }))

  const turn = (id: string, floors: object | null, ended: readonly ClaimedTask[] = []) =>
    `select tasking.turn('${id}', 100, '[]', '[]', null, ${
      floors === null ? 'null' : `'${JSON.stringify(floors)}'`
    }, '{${ended.map((task) => task.id).join(',')}}', '{${ended.map((task) => task.fencingToken).join(',')}}') as turn`

  /** What a turn claims: ids. It is taken back. */
  async function claimed(statement: string): Promise<string[] | undefined> {
    let ids: string[] | undefined
    await sql
      .begin(async (tx) => {
        const [row] =
          await tx.unsafe<{ turn: { claimed: [token: string, ids: string[]][] } }[]>(statement)
        ids = row?.turn.claimed.flatMap(([, claims]) => claims)
        throw new Error('taken back')
      })
      .catch(() => undefined)
    return ids
  }

  async function pagesOf(session: postgres.ReservedSql, statement: string): Promise<number> {
    const [row] = await session.unsafe<{ 'QUERY PLAN': [{ Plan: Record<string, number> }] }[]>(
      `explain (analyze, buffers, format json) ${statement}`,
    )
    return row?.['QUERY PLAN'][0].Plan['Shared Hit Blocks'] ?? Number.NaN
  }

  test('passes over what a snapshot keeps from being cleaned up', async () => {
    await using store = pgStore({ url: database.url })
    const id = await register(store)
    await using _held = await OpenTransaction.begin(
      sql,
      (tx) => tx`select pg_current_xact_id(), count(*) from tasking.task`,
    )
    await store.dispatch(Array.from({ length: 10_000 }, () => taskOf(store)))
    const tasks = await claim(store, id, 10_000)
    await store.turn({ workerId: id, slots: 0, completions: tasks.map(completed), looks: [] })
    const [last] = await sql<{ position: string }[]>`
      select max(position) as position from tasking.task`

    const late = taskOf(store)
    await store.dispatch([late])
    const floors = { default: { task: [0, Number(last?.position)] } }
    expect(await claimed(turn(id, floors))).toEqual([late.id])
    expect(await claimed(turn(id, null))).toEqual([late.id])
    // From the front, ten times as many dead entries are on the way.
    const session = await sql.reserve()
    try {
      const pages: Record<string, number> = {}
      // The first of each is planned, which reads the catalogue.
      for (const from of [floors, null, floors, null]) {
        pages[from === null ? 'front' : 'floor'] = await pagesOf(session, turn(id, from))
      }
      expect(pages['floor']).toBeLessThan((pages['front'] ?? 0) / 3)
    } finally {
      session.release()
    }
  })

  test('takes what its own turn frees before the floor, and of another name all', async () => {
    await using store = pgStore({ url: database.url })
    const id = await register(store)
    const [first, second] = [0, 1].map(() => taskOf(store, { exclusive: ['r'] }))
    await store.dispatch([first, second].flatMap((task) => task ?? []))
    const before = taskOf(store)
    const held = await claim(store, id, 1)
    await store.dispatch([before])
    const floors = { default: { task: [0, 1_000_000] } }
    expect(await claimed(turn(id, floors))).toEqual([])
    expect(await claimed(turn(id, floors, held))).toEqual([second?.id, before.id])
    expect(await claimed(turn(id, { default: { other: [0, 1_000_000] } }))).toContain(before.id)
    expect(await claimed(turn(id, { other: { task: [0, 1_000_000] } }))).toContain(before.id)
  })
})
