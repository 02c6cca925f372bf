import { createTasking, defineTask, groupResource } from '@tasking/core'
import type { Tasking } from '@tasking/core'
import { eventually, useDatabase } from '@tasking/testbed'
import postgres from 'postgres'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { pgStore } from '../src/index.ts'
import { emptied } from './emptied.ts'
import { claim, completed, register } from './hand.ts'
import { OpenTransaction } from './open-transaction.ts'
import { somebodyWaitsToDispatch } from './waits.ts'

const database = useDatabase()
const task = defineTask({ name: 'task', run: (_n: number) => undefined })
const onDisk = defineTask({
  name: 'on disk',
  resources: { exclusive: ['disk'] },
  run: () => undefined,
})
let tasking: Tasking<postgres.TransactionSql>
let sql: postgres.Sql

beforeAll(() => {
  tasking = createTasking({
    store: pgStore({ url: database.url, listen: false }),
    tasks: [task, onDisk],
  })
  sql = postgres(database.url, { max: 4, prepare: false, onnotice: () => undefined })
})
beforeEach(() => emptied(sql))
afterAll(async () => {
  await tasking.close()
  await sql.end({ timeout: 1 })
})

test('a close waits for a member whose transaction is open, and so does a finalizer', async () => {
  const group = await tasking.createGroup()
  const ended: string[] = []
  let closing: Promise<unknown> = Promise.resolve()
  await sql.begin(async (tx) => {
    await group.dispatch(task, 1, { tx })
    closing = group.finish(task, 2).then(({ outcome }) => ended.push(outcome))
    await eventually(() => somebodyWaitsToDispatch(sql), { what: 'a wait for the lock' })
    await group.dispatch(task, 3, { tx })
    ended.push('committed')
  })
  await closing
  expect(ended).toEqual(['committed', 'blocked'])
  expect(await group.counts()).toMatchObject({ waiting: 3 })
})

test('a group and its tasks can come in one transaction, or not at all', async () => {
  const groups = await sql.begin(async (tx) => {
    const group = await tasking.createGroup({ description: 'all at once', tx })
    await group.dispatch(task, 1, { tx })
    await group.finish(task, 2, { tx })
    return group
  })
  expect(await groups.load()).toMatchObject({ description: 'all at once', counts: { waiting: 2 } })
  const undone = sql.begin(async (tx) => {
    await tasking.createGroup({ tx })
    throw new Error('no')
  })
  await expect(undone).rejects.toThrow('no')
  expect(await tasking.groups()).toHaveLength(1)
})

test('plain SQL dispatches into a group, which its finalizer then waits for', async () => {
  const group = await tasking.createGroup()
  const [row] = await sql`select tasking.dispatch('task', '1', group_id => ${group.id}) as id`
  expect(await tasking.find(String(row?.['id']))).toMatchObject({
    groupId: group.id,
    resources: { shared: [groupResource(group.id)] },
  })
  expect((await group.finish(task, 2)).outcome).toBe('blocked')
  const late = sql`select tasking.dispatch('task', '1', group_id => ${group.id})`
  await expect(late).rejects.toThrow(/is closed/)
})

test('no member enters from a transaction that may not see that its group is closed', async () => {
  const group = await tasking.createGroup()
  const late = sql.begin('isolation level repeatable read', async (tx) => {
    await tx`select from tasking.task`
    await group.close()
    await group.dispatch(task, 1, { tx })
  })
  await expect(late).rejects.toMatchObject({ code: 'transaction_isolation' })
  const alone = sql.begin('isolation level repeatable read', (tx) => group.finish(task, 2, { tx }))
  await expect(alone).rejects.toMatchObject({ code: 'transaction_isolation' })
  expect(await group.counts()).toMatchObject({ waiting: 0 })
})

test('a cancel that waits for one that runs keeps nobody from the resources of the others', async () => {
  const group = await tasking.createGroup()
  const cameFirst = await group.dispatch(task, 1)
  const worker = await register(tasking.store)
  await claim(tasking.store, worker, 1)
  await group.dispatch(onDisk)
  await using handlers = await OpenTransaction.begin(
    sql,
    (tx) => tx`select from tasking.task where id = ${cameFirst.id} for update`,
  )
  const canceled = group.cancel()
  await eventually(async () => (await group.counts()).canceled === 1, {
    what: 'one to be canceled',
  })
  await tasking.dispatch(onDisk)
  await handlers.rollback()
  expect(await canceled).toEqual({ canceled: 1, canceling: 1 })
})

test('a large group is canceled in several transactions, with what runs', async () => {
  const group = await tasking.createGroup()
  const entries = Array.from({ length: 1_201 }, (_, input) => ({
    ...{ definition: task, input, options: { group } },
  }))
  await tasking.dispatchBatch(entries)
  const worker = await register(tasking.store)
  const running = await claim(tasking.store, worker, 3)
  expect(await group.cancel('enough')).toEqual({ canceled: 1_198, canceling: 3 })
  await tasking.store.turn({
    ...{ workerId: worker, slots: 0, looks: [], completions: running.map(completed) },
  })
  expect(await group.wait({ timeout: '5s' })).toMatchObject({ canceled: 1_201 })
})

test('tasks that are in no group ask nothing of groups', async () => {
  await sql.begin(async (tx) => {
    await tx`lock table tasking.task_group in access exclusive mode`
    const done = await tasking.dispatch(task, 1)
    await tasking.dispatchBatch([
      { definition: task, input: 1 },
      { definition: task, input: 2 },
    ])
    await tasking.cancel(done.id)
  })
})
