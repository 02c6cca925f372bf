import { ownCompletionConformance } from '@tasking/core/conformance'
import type { ClaimedTask, Completion } from '@tasking/core'
import { eventually, nodePostgres, useDatabase } from '@tasking/testbed'
import { sql as drizzleSql } from 'drizzle-orm'
import postgres from 'postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { pgStore } from '../src/index.ts'
import type { CallerTransaction, PgStore } from '../src/index.ts'
import { callers } from './callers.ts'
import type { Clients } from './callers.ts'
import { claim, completed, register, rejection, taskOf } from './hand.ts'
import { OpenTransaction } from './open-transaction.ts'
import { somebodyWaits } from './waits.ts'

const database = useDatabase()
let store: PgStore
let clients: Clients
let sql: postgres.Sql

beforeAll(async () => {
  store = pgStore({ url: database.url, listen: false })
  sql = postgres(database.directUrl, { max: 4, prepare: false, fetch_types: false })
  clients = { sql, pool: nodePostgres(database.directUrl, 2) }
  await sql`create table effect (task uuid not null, by text not null)`
})
beforeEach(() => sql`truncate tasking.task, tasking.reservation, tasking.app_status, effect`)
afterAll(async () => {
  await store.close()
  await sql.end({ timeout: 1 })
  await clients.pool.end()
})

const changedMind = new Error('the handler changed its mind')

/** The end of a handler that has tried to complete its task itself. */
const afterwards = (completion: Completion): Completion => ({ ...completion, inTransaction: true })

const failed = ({ id, fencingToken }: ClaimedTask): Completion => ({
  ...{ id, fencingToken, state: 'failed', error: { name: 'Error', message: 'm' } },
})

/** Some tasks at one resource, of which a worker has claimed the first. */
async function claimedOne(line = 2): Promise<{ workerId: string; task: ClaimedTask }> {
  const workerId = await register(store)
  await store.dispatch(Array.from({ length: line }, () => taskOf(store, { exclusive: ['r'] })))
  const [task] = await claim(store, workerId, 1)
  if (task === undefined) throw new Error('the task should have been claimed')
  return { workerId, task }
}

/** What a handler does: its own work, and the end of its task. */
async function work(
  tx: CallerTransaction,
  { workerId, task }: { readonly workerId: string; readonly task: ClaimedTask },
): Promise<void> {
  const { id, fencingToken } = task
  await effect(tx, id)
  await store.complete({ id, workerId, fencingToken, result: 'own' }, { tx })
}

async function effect(tx: CallerTransaction, id: string): Promise<void> {
  const statement = `insert into effect values ('${id}', 'handler')`
  if ('unsafe' in tx) await tx.unsafe(statement)
  else if ('execute' in tx) await tx.execute(drizzleSql.raw(statement))
  else await tx.query({ text: statement, values: [], rowMode: 'array' })
}

async function effects(): Promise<number> {
  return (await sql`select from effect`).length
}

async function stateOf({ id }: { readonly id: string }) {
  const [task] = await store.find([id])
  return task?.state
}

const turn = (workerId: string, completions: readonly Completion[], slots = 10) =>
  store.turn({ workerId, slots, completions, looks: [] })

describe.each(Object.entries(callers))('in a transaction of %s', (_name, begin) => {
  const inTransaction = (run: (tx: CallerTransaction) => Promise<void>) => begin(clients, run)
  const cases = ownCompletionConformance((run) => inTransaction((tx) => run(tx as never)))

  test.each(cases)('$name', ({ run }) => run(store))

  test('the work and the end of the task are committed together', async () => {
    const claimed = await claimedOne()
    await inTransaction(async (tx) => {
      await work(tx, claimed)
      expect([await effects(), await stateOf(claimed.task)]).toEqual([0, 'running'])
    })
    expect([await effects(), await stateOf(claimed.task)]).toEqual([1, 'completed'])
  })

  test('a rollback takes both back, and then the end of the handler counts', async () => {
    const claimed = await claimedOne()
    const given = inTransaction(async (tx) => {
      await work(tx, claimed)
      throw changedMind
    })
    expect(await rejection(given)).toBe(changedMind)
    expect([await effects(), await stateOf(claimed.task)]).toEqual([0, 'running'])
    const after = await turn(claimed.workerId, [afterwards(failed(claimed.task))])
    expect([after.refused, after.unsettled, after.claimed.length]).toEqual([[], [], 1])
    expect(await stateOf(claimed.task)).toBe('failed')
  })

  test('a handler whose task was given away keeps nothing', async () => {
    const claimed = await claimedOne()
    await store.unregisterWorker(claimed.workerId)
    const late = inTransaction((tx) => work(tx, claimed))
    expect(await rejection(late)).toMatchObject({ code: 'task_lost', taskId: claimed.task.id })
    expect([await effects(), await stateOf(claimed.task)]).toEqual([0, 'failed'])
  })
})

test('a store that is given no transaction refuses', async () => {
  const { workerId, task } = await claimedOne()
  const { id, fencingToken } = task
  const tx = {} as CallerTransaction
  const given = store.complete({ id, workerId, fencingToken, result: null }, { tx })
  expect(await rejection(given)).toMatchObject({ code: 'invalid_option', option: 'tx' })
})

test('any isolation level will do', async () => {
  for (const level of ['repeatable read', 'serializable'] as const) {
    const claimed = await claimedOne(1)
    await sql.begin(`isolation level ${level}`, async (tx) => {
      await tx`select from tasking.task`
      await work(tx, claimed)
    })
    expect(await stateOf(claimed.task)).toBe('completed')
    await turn(claimed.workerId, [afterwards(completed(claimed.task))])
  }
})

describe('a transaction that is still open when the handler has ended', () => {
  test('is not waited for, and holds up no other task of its worker', async () => {
    const { workerId, task } = await claimedOne(3)
    await store.dispatch([taskOf(store), taskOf(store)])
    const [other] = await claim(store, workerId, 1)
    if (other === undefined) throw new Error('the other task should have been claimed')
    await using open = await OpenTransaction.begin(sql, (tx) => work(tx, { workerId, task }))
    const ends = [afterwards(completed(task)), completed(other)]
    const first = await turn(workerId, ends)
    expect([first.refused, first.unsettled, first.claimed.length]).toEqual([[], [task.id], 1])
    expect(await stateOf(other)).toBe('completed')
    const second = await turn(workerId, [afterwards(completed(task))])
    expect([second.refused, second.unsettled, second.claimed]).toEqual([[], [task.id], []])
    await open.commit()
    const third = await turn(workerId, [afterwards(failed(task))])
    expect([third.refused, third.unsettled, third.claimed.length]).toEqual([[], [], 1])
    expect([await effects(), await stateOf(task)]).toEqual([1, 'completed'])
  })

  test('leaves the end to the handler if it is rolled back in the end', async () => {
    const { workerId, task } = await claimedOne()
    await using open = await OpenTransaction.begin(sql, (tx) => work(tx, { workerId, task }))
    expect((await turn(workerId, [afterwards(failed(task))])).unsettled).toEqual([task.id])
    await open.rollback()
    const after = await turn(workerId, [afterwards(failed(task))])
    expect([after.unsettled, after.claimed.length]).toEqual([[], 1])
    expect([await effects(), await stateOf(task)]).toEqual([0, 'failed'])
  })

  test('keeps its place in line for whoever comes meanwhile', async () => {
    const { workerId, task } = await claimedOne(1)
    await using open = await OpenTransaction.begin(sql, (tx) => work(tx, { workerId, task }))
    const meanwhile = taskOf(store, { exclusive: ['r'] })
    expect((await store.dispatch([meanwhile]))[0]?.blocked).toBe(true)
    await open.commit()
    const later = taskOf(store, { exclusive: ['r'] })
    expect((await store.dispatch([later]))[0]?.blocked).toBe(true)
    const { claimed } = await turn(workerId, [afterwards(completed(task))])
    expect(claimed.map(({ id }) => id)).toEqual([meanwhile.id])
  })

  test('is looked after again when a dispatcher was in flight that could not see its end', async () => {
    const { workerId, task } = await claimedOne(1)
    const next = taskOf(store, { exclusive: ['r'] })
    await using completing = await OpenTransaction.begin(sql, (tx) => work(tx, { workerId, task }))
    await using dispatching = await OpenTransaction.begin(sql, async (tx) => {
      await store.dispatch([next], { tx })
    })
    await completing.commit()
    const first = await turn(workerId, [afterwards(completed(task))])
    expect(first.looks).toEqual([{ resource: 'r', mode: 'exclusive', inFlight: true }])
    await dispatching.commit()
    const { looks } = first
    const { claimed } = await store.turn({ workerId, slots: 1, completions: [], looks })
    expect(claimed.map(({ id }) => id)).toEqual([next.id])
  })

  test('may dispatch what comes after it, which then finds the resource free', async () => {
    const { workerId, task } = await claimedOne(1)
    const successor = taskOf(store, { exclusive: ['r'] })
    await sql.begin(async (tx) => {
      await work(tx, { workerId, task })
      expect((await store.dispatch([successor], { tx }))[0]?.blocked).toBe(false)
      expect(await claim(store, workerId, 10)).toEqual([])
    })
    expect(await claim(store, workerId, 10)).toHaveLength(1)
  })

  test('makes a cancel wait, which then finds what stands', async () => {
    const { workerId, task } = await claimedOne()
    const ends = { commit: 'completed', rollback: 'canceling' } as const
    for (const [end, state] of Object.entries(ends).toReversed()) {
      await sql`update tasking.task set state = 'running' where id = ${task.id}`
      await using open = await OpenTransaction.begin(sql, (tx) => work(tx, { workerId, task }))
      const canceled = store.cancel(task.id).catch((error: unknown) => error)
      await eventually(() => somebodyWaits(sql), { what: 'the cancel to wait' })
      await (end === 'commit' ? open.commit() : open.rollback())
      expect(await canceled).toMatchObject(
        state === 'completed' ? { code: 'task_state_conflict', state } : { state },
      )
      expect(await stateOf(task)).toBe(state)
    }
  })
})

describe('a worker that goes missing while its handler has a transaction open', () => {
  // Not on the connections of the handlers, which may all be busy.
  const silence = (workerId: string) =>
    clients.pool.query(
      `update tasking.app_status set last_heartbeat_at = '-infinity' where id = $1`,
      [workerId],
    )

  test('is given up at once; what the handler commits stands', async () => {
    const { workerId, task } = await claimedOne()
    await using open = await OpenTransaction.begin(sql, (tx) => work(tx, { workerId, task }))
    await silence(workerId)
    expect(await store.housekeep()).toMatchObject({ missingWorkers: [workerId], lostTasks: 0 })
    expect(await store.housekeep()).toMatchObject({ missingWorkers: [], lostTasks: 0 })
    await open.commit()
    expect(await store.housekeep({ sweep: false })).toMatchObject({ lostTasks: 0, unblocked: 0 })
    expect([await effects(), await stateOf(task)]).toEqual([1, 'completed'])
    // Nobody's turn looks at the line, so the sweep does.
    expect((await store.housekeep()).unblocked).toBe(1)
    expect(await claim(store, await register(store), 10)).toHaveLength(1)
  })

  test('loses the task if that is rolled back, and the next in line goes on', async () => {
    const { workerId, task } = await claimedOne()
    await using open = await OpenTransaction.begin(sql, (tx) => work(tx, { workerId, task }))
    await silence(workerId)
    await store.housekeep()
    await open.rollback()
    expect(await store.housekeep({ sweep: false })).toMatchObject({ lostTasks: 1, unblocked: 1 })
    expect([await effects(), await stateOf(task)]).toEqual([0, 'failed'])
    expect(await claim(store, await register(store), 10)).toHaveLength(1)
  })

  test('has lost it if the handler comes to its end too late', async () => {
    const { workerId, task } = await claimedOne()
    const late = sql.begin(async (tx) => {
      await effect(tx, task.id)
      await silence(workerId)
      await store.housekeep()
      await work(tx, { workerId, task })
    })
    expect(await rejection(late)).toMatchObject({ code: 'task_lost', taskId: task.id })
    expect([await effects(), await stateOf(task)]).toEqual([0, 'failed'])
  })

  test('either loses a task or has it completed, never both', async () => {
    const workerId = await register(store)
    const count = 60
    await store.dispatch(Array.from({ length: count }, () => taskOf(store)))
    const tasks = await claim(store, workerId, count)
    // The worker is given up while some handlers have not begun, and others are about to commit.
    let silent: Promise<unknown> = Promise.resolve()
    const housekeeping: Promise<unknown>[] = []
    const handlers = tasks.map((task, n) =>
      sql
        .begin(async (tx) => {
          if (n === count / 2) silent = silence(workerId)
          await silent
          if (n >= count / 2) housekeeping.push(store.housekeep())
          await work(tx, { workerId, task })
        })
        .then(
          () => 'completed',
          ({ code }: { code: string }) => code,
        ),
    )
    const said = await Promise.all(handlers)
    await Promise.all(housekeeping)
    await store.housekeep()
    const worked = new Set((await sql`select task from effect`).map(({ task }) => String(task)))
    const states = await Promise.all(tasks.map(stateOf))
    const wanted = states.map((state) => (state === 'completed' ? 'completed' : 'task_lost'))
    expect(said).toEqual(wanted)
    expect(tasks.map(({ id }) => worked.has(id))).toEqual(
      wanted.map((outcome) => outcome === 'completed'),
    )
    // Otherwise there was no race.
    expect(new Set(states)).toEqual(new Set(['completed', 'failed']))
  })
})
