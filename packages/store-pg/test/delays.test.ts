import type { NewTask, ResourceRequest } from '@tasking/core'
import { eventually, useDatabase } from '@tasking/testbed'
import postgres from 'postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { pgStore } from '../src/index.ts'
import type { PgStore } from '../src/index.ts'
import { emptied } from './emptied.ts'
import { claim, completed, register, taskOf } from './hand.ts'
import { OpenTransaction } from './open-transaction.ts'
import { somebodyWaitsToDispatch } from './waits.ts'

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

const hourMs = 3_600_000

function later(request: ResourceRequest = {}, rest: Partial<NewTask> = {}): NewTask {
  return { ...taskOf(store, request), delayMs: hourMs, ...rest }
}

/** Lets the time of all scheduled tasks have come, so long ago. */
async function pass(ago = '0 seconds'): Promise<void> {
  await sql`update tasking.task set run_at = now() - ${ago}::interval where state = 'scheduled'`
}

async function stateOf({ id }: NewTask) {
  const [task] = await store.find([id])
  return task?.state
}

describe('a transaction that has dispatched and stays open', () => {
  test('holds up the tasks in its lines, and no others', async () => {
    const [beside, behind] = [later({ exclusive: ['a'] }), later({ exclusive: ['b', 'c'] })]
    await store.dispatch([beside, behind])
    await pass()
    await using open = await OpenTransaction.begin(sql, (tx) =>
      store.dispatch([taskOf(store, { exclusive: ['c'] })], { tx }),
    )
    expect(await store.promote()).toEqual({ promoted: 1, nextDueMs: 0 })
    expect([await stateOf(beside), await stateOf(behind)]).toEqual(['waiting', 'scheduled'])
    await open.commit()
    expect(await store.promote()).toEqual({ promoted: 1, nextDueMs: null })
    // It came into line after the one that had the lock.
    const claimed = await claim(store, await register(store), 10)
    expect(claimed.map(({ id }) => id)).not.toContain(behind.id)
    expect(claimed).toHaveLength(2)
  })

  test('does not keep tasks from going on that stand behind any number of such', async () => {
    const held = Array.from({ length: 450 }, () => later({ exclusive: ['c'] }))
    await store.dispatch(held)
    await pass('1 minute')
    const free = later({ exclusive: ['d'] })
    await store.dispatch([free])
    await pass('1 second')
    await sql`update tasking.task set run_at = run_at - interval '1 hour' where id <> ${free.id}`
    await using _open = await OpenTransaction.begin(sql, (tx) =>
      store.dispatch([taskOf(store, { exclusive: ['c'] })], { tx }),
    )
    expect((await store.promote()).promoted).toBe(1)
    expect(await stateOf(free)).toBe('waiting')
  })

  test('is waited for after a while, so that a line whose dispatchers never pause lets it in', async () => {
    const task = later({ exclusive: ['c'] })
    await store.dispatch([task])
    await pass('1 minute')
    await using open = await OpenTransaction.begin(sql, (tx) =>
      store.dispatch([taskOf(store, { exclusive: ['c'] })], { tx }),
    )
    const promoting = store.promote()
    await eventually(() => somebodyWaitsToDispatch(sql), { what: 'it to be waited for' })
    await open.commit()
    await promoting
    await store.promote()
    expect(await stateOf(task)).toBe('waiting')
  })

  test('holds up a task of more resources than are locked one by one', async () => {
    const names = Array.from({ length: 70 }, (_, n) => `r${n}`)
    await store.dispatch([later({ exclusive: names })])
    await pass()
    const open = await OpenTransaction.begin(sql, (tx) =>
      store.dispatch([taskOf(store, { exclusive: ['r7'] })], { tx }),
    )
    expect(await store.promote()).toEqual({ promoted: 0, nextDueMs: 0 })
    await pass('1 minute')
    const beginning = performance.now()
    expect(await store.promote()).toMatchObject({ promoted: 0 })
    // It was waited for, but for no longer than another.
    expect(performance.now() - beginning).toBeLessThan(4_000)
    await open.commit()
    expect((await store.promote()).promoted).toBe(1)
    expect(await claim(store, await register(store), 10)).toHaveLength(1)
  })
})

describe('a dispatcher', () => {
  test('waits for a promotion in its lines, and comes behind it', async () => {
    const task = later({ exclusive: ['r'] })
    await store.dispatch([task])
    await pass()
    const open = await OpenTransaction.begin(
      sql,
      (tx) => tx`
        select tasking.promote(10, '-infinity', '00000000-0000-0000-0000-000000000000')`,
    )
    const other = taskOf(store, { exclusive: ['r'] })
    const dispatching = store.dispatch([other])
    await eventually(() => somebodyWaitsToDispatch(sql), { what: 'the dispatch to wait' })
    await open.commit()
    expect(await dispatching).toMatchObject([{ blocked: true }])
    const worker = await register(store)
    const [first] = await claim(store, worker, 10)
    expect(first?.id).toBe(task.id)
  })
})

test('what ends while its line is being joined is seen, or looked at again', async () => {
  await store.dispatch([taskOf(store, { exclusive: ['r'] }), later({ exclusive: ['r'] })])
  await pass()
  const workerId = await register(store)
  const running = await claim(store, workerId, 10)
  const open = await OpenTransaction.begin(
    sql,
    (tx) => tx`
      select tasking.promote(10, '-infinity', '00000000-0000-0000-0000-000000000000')`,
  )
  const completions = running.map(completed)
  const { looks, claimed } = await store.turn({ workerId, slots: 5, completions, looks: [] })
  expect(claimed).toEqual([])
  expect(looks).toMatchObject([{ resource: 'r', inFlight: true }])
  await open.commit()
  expect((await store.turn({ workerId, slots: 5, completions: [], looks })).claimed).toHaveLength(1)
})

test('a task whose cancel has not been committed yet is left', async () => {
  const task = later({ exclusive: ['r'] })
  await store.dispatch([task])
  await pass()
  const open = await OpenTransaction.begin(
    sql,
    (tx) => tx`select tasking.cancel(${task.id}, 'perhaps')`,
  )
  expect((await store.promote()).promoted).toBe(0)
  await open.rollback()
  expect((await store.promote()).promoted).toBe(1)
})

test('one at a time, and all of any number', async () => {
  const tasks = Array.from({ length: 1_000 }, (_, n) =>
    later({ exclusive: [`r${n % 10}`], shared: ['s'] }, { input: n }),
  )
  await store.dispatch(tasks)
  await sql`update tasking.task set run_at = now() - (1000 - input::int) * interval '1 ms'`
  const reports = await Promise.all([store.promote(), store.promote(), store.promote()])
  let promoted = reports.reduce((sum, report) => sum + report.promoted, 0)
  while (promoted < tasks.length) promoted += (await store.promote()).promoted
  expect(promoted).toBe(tasks.length)
  const [counts] = await sql`
    select count(*)::int as waiting, count(unblocked_at)::int as free,
           count(distinct position)::int as positions
      from tasking.task where state = 'waiting'`
  expect(counts).toEqual({ waiting: 1_000, free: 10, positions: 1_000 })
  const [line] = await sql`
    select array_agg(t.input::int order by r.position) as inputs
      from tasking.reservation as r join tasking.task as t on t.id = r.task_id
     where r.resource = 'r3'`
  expect(line?.['inputs']).toEqual(Array.from({ length: 100 }, (_, n) => n * 10 + 3))
})

test('a dispatch for later holds no lock of its resources, and works at any isolation level', async () => {
  await sql.begin('isolation level repeatable read', async (tx) => {
    await tx`select 1 from tasking.task limit 1`
    const [answer] = await store.dispatch([later({ exclusive: ['r'] })], { tx })
    expect(answer?.state).toBe('scheduled')
    const [beside] = await store.dispatch([taskOf(store, { exclusive: ['r'] })])
    expect(beside?.blocked).toBe(false)
  })
})

test('the database refuses a scheduled task without a time, or with an owner', async () => {
  const task = later()
  await store.dispatch([task])
  for (const change of ['run_at = null', `worker_id = '${store.newId()}'`]) {
    const wrong = sql.unsafe(`update tasking.task set ${change} where id = '${task.id}'`)
    await expect(wrong).rejects.toMatchObject({ constraint_name: 'task_special_is_sound' })
  }
})
