import { useDatabase } from '@tasking/testbed'
import postgres from 'postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { pgStore } from '../src/index.ts'
import type { PgStore } from '../src/index.ts'
import { emptied } from './emptied.ts'
import { claim, taskOf } from './hand.ts'

const database = useDatabase()
let store: PgStore
let sql: postgres.Sql

beforeAll(() => {
  store = pgStore({ url: database.url, listen: false })
  sql = postgres(database.directUrl, { max: 3, onnotice: () => undefined })
})
beforeEach(() => emptied(sql))
afterAll(async () => {
  await store.close()
  await sql.end({ timeout: 1 })
})

const options = { requires: { codec: '2.1' } }

/** A worker that fulfils it. */
async function fitting(): Promise<string> {
  const id = store.newId()
  await store.registerWorker({
    ...{ id, name: 'by hand', ttlMs: 60_000, concurrency: 10, version: '' },
    ...{ queues: ['default'], taskNames: ['task'], cleansUp: ['task'], versions: { codec: '3' } },
  })
  return id
}

async function requirements(): Promise<unknown[]> {
  return (await sql`select requires from tasking.requirement`).map((row) => row['requires'])
}

async function claimNames(worker: string): Promise<unknown> {
  await store.beat(worker)
  const [row] = await sql`select claim_names from tasking.app_status where id = ${worker}`
  return row?.['claim_names']
}

/** Asks for it with a task that needs it no more. */
async function askAndCancel(): Promise<void> {
  const task = { ...taskOf(store), options }
  await store.dispatch([task])
  await store.cancel(task.id)
  await store.housekeep()
}

async function askedDaysAgo(days: number): Promise<void> {
  await sql`update tasking.requirement set asked_at = now() - ${days} * interval '1 day'`
}

describe('a requirement', () => {
  test('goes when nobody has asked for it for a day and nothing needs it', async () => {
    const worker = await fitting()
    await askAndCancel()
    expect(await requirements()).toEqual([options.requires])
    await askedDaysAgo(2)
    await store.housekeep({ sweep: false })
    expect(await requirements()).toEqual([])
    expect(await claimNames(worker)).toBeNull()
    await store.dispatch([{ ...taskOf(store), options }])
    expect(await claim(store, worker, 1)).toHaveLength(1)
  })

  test('that is forgotten while its task runs keeps nobody from cleaning up after it', async () => {
    const loser = await fitting()
    await fitting()
    const task = { ...taskOf(store), options }
    await store.dispatch([task])
    const [claimed] = await claim(store, loser, 1)
    const { id, fencingToken } = claimed ?? { id: '', fencingToken: 0n }
    const creation = { id, fencingToken, workerId: loser, resources: ['half'] }
    await store.recordCreation({ ...creation, state: 'incomplete' })
    await askedDaysAgo(2)
    await store.housekeep({ sweep: false })
    expect(await requirements()).toEqual([])
    await sql`update tasking.app_status set claim_names = null`
    await store.unregisterWorker(loser)
    expect((await store.find([id]))[0]).toMatchObject({ state: 'waiting', endsAs: 'failed' })
  })

  test.each([
    ['waits', async () => void (await store.dispatch([{ ...taskOf(store), options }]))],
    [
      'is blocked',
      async () => {
        const [first, second] = [1, 2].map(() => taskOf(store, { exclusive: ['r'] }))
        if (first && second) await store.dispatch([first, { ...second, options }])
      },
    ],
    [
      'is for later',
      async () => void (await store.dispatch([{ ...taskOf(store), options, delayMs: 60_000 }])),
    ],
    [
      'is scheduled',
      async () => {
        const { name, input, queue, priority, resources } = taskOf(store)
        await store.setSchedule({
          ...{ name: 'monthly', timing: { cron: '0 0 1 * *', timeZone: 'UTC' } },
          ...{ nextAt: new Date(Date.now() + 86_400_000) },
          task: { ...{ name, input, queue, priority, resources }, options },
        })
      },
    ],
  ])('stays while a task %s that needs it', async (_, dispatch) => {
    await dispatch()
    expect(await requirements()).toEqual([options.requires])
    await askedDaysAgo(2)
    await store.housekeep()
    expect(await requirements()).toEqual([options.requires])
  })

  test('stays while somebody asks for it now and then', async () => {
    for (const _ of [1, 2]) {
      await askAndCancel()
      expect(await requirements()).toEqual([options.requires])
      await askedDaysAgo(2)
    }
  })

  test('that nobody told of is found by housekeeping, and heard of with a beat', async () => {
    const worker = await fitting()
    const others = [{ codec: '2.2' }, { codec: '4' }]
    await store.dispatch(
      [options.requires, ...others].map((requires) => ({
        ...taskOf(store),
        options: { requires },
      })),
    )
    await sql`delete from tasking.requirement`
    await store.beat(worker)
    expect(await claim(store, worker, 5)).toEqual([])
    await store.housekeep({ sweep: false })
    expect(await requirements()).toHaveLength(3)
    await store.beat(worker)
    expect(await claim(store, worker, 5)).toHaveLength(2)
  })

  test('of a dispatch in plain SQL keeps nobody waiting until its commit', async () => {
    const worker = await fitting()
    const task = { ...taskOf(store), options }
    await sql.begin(async (tx) => {
      await tx`select tasking.dispatch('task', requires => ${tx.json(options.requires)})`
      await store.housekeep()
      await store.beat(worker)
      await store.dispatch([task])
      expect(await claim(store, worker, 5)).toMatchObject([{ id: task.id }])
    })
    expect(await claim(store, worker, 5)).toHaveLength(1)
  })
})
