import { useDatabase } from '@tasking/testbed'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const database = useDatabase()
let sql: postgres.Sql

beforeAll(() => {
  sql = postgres(database.directUrl, { max: 1, fetch_types: false, onnotice: () => undefined })
})
afterAll(() => sql.end({ timeout: 1 }))

type Row = Readonly<Record<string, string>>

const task: Row = {
  ...{ id: 'gen_random_uuid()', name: `'task'`, queue: `'default'`, priority: '0', position: '1' },
  ...{ exclusive: `'{}'`, shared: `'{}'`, dispatched_at: 'now()', state: `'waiting'` },
}
const owned: Row = {
  ...{ ...task, state: `'running'`, worker_id: 'gen_random_uuid()', fencing_token: '1' },
  ...{ started_at: 'now()', unblocked_at: 'now()' },
}
const scheduled: Row = { ...task, state: `'scheduled'`, run_at: 'now()' }
const orphan: Row = { ...task, ends_as: `'failed'`, unblocked_at: 'now()', error: `'{}'` }
const exclusive: Row = {
  ...{
    resource: `'r'`,
    position: 'random() * 1e15',
    mode: `'exclusive'`,
    task_id: 'gen_random_uuid()',
  },
}
const counted: Row = { ...exclusive, mode: `'counted'`, amount: '1', capacity: '2' }

const insert = (table: string, row: Row) =>
  sql.unsafe(
    `insert into tasking.${table} (${Object.keys(row).join()}) values (${Object.values(row).join()})`,
  )

describe('the database takes', () => {
  test.each<[what: string, table: string, Row]>([
    ['a task that waits', 'task', task],
    ['a running one', 'task', owned],
    ['a completed one', 'task', { ...owned, state: `'completed'`, finished_at: 'now()' }],
    ['one canceled before it ran', 'task', { ...task, state: `'canceled'`, finished_at: 'now()' }],
    ['a scheduled one', 'task', scheduled],
    [
      'one of a group that is to be tried again',
      'task',
      { ...scheduled, group_id: 'gen_random_uuid()', unblocked_at: 'now()' },
    ],
    ['an orphan', 'task', orphan],
    [
      'an orphan that is to be canceled',
      'task',
      { ...orphan, ends_as: `'canceled'`, error: 'null' },
    ],
    ['a place alone', 'reservation', exclusive],
    ['a counted place', 'reservation', counted],
  ])('%s', async (_, table, row) => {
    await expect(insert(table, row)).resolves.toBeDefined()
  })
})

/** What each constraint refuses. */
const refused: Readonly<Record<string, { table: string; rows: Readonly<Record<string, Row>> }>> = {
  task_running_has_owner: {
    table: 'task',
    rows: {
      'a running task without an owner': { ...owned, worker_id: 'null' },
      'a running task without a token': { ...owned, fencing_token: 'null' },
      'a running task without a start': { ...owned, started_at: 'null' },
      'a running task that is blocked': { ...owned, unblocked_at: 'null' },
      'a canceling task without an owner': { ...owned, state: `'canceling'`, worker_id: 'null' },
    },
  },
  task_final_is_finished: {
    table: 'task',
    rows: {
      'a final task without an end': { ...task, state: `'failed'` },
      'an end before it': { ...task, finished_at: 'now()' },
    },
  },
  task_special_is_sound: {
    table: 'task',
    rows: {
      'a scheduled task without a time': { ...scheduled, run_at: 'null' },
      'a scheduled task with an owner': { ...scheduled, worker_id: 'gen_random_uuid()' },
      'a scheduled task of a group that is in no line': {
        ...scheduled,
        group_id: 'gen_random_uuid()',
      },
      'an orphan that is blocked': { ...orphan, unblocked_at: 'null' },
      'an orphan without an error': { ...orphan, error: 'null' },
      'an orphan that completes': { ...orphan, state: `'completed'`, finished_at: 'now()' },
      'an orphan that is tried again': { ...orphan, ...scheduled },
      'an orphan that ends as it began': { ...orphan, ends_as: `'waiting'` },
    },
  },
  reservation_counted_fits: {
    table: 'reservation',
    rows: {
      'a counted place without an amount': { ...counted, amount: 'null' },
      'a counted place without a capacity': { ...counted, capacity: 'null' },
      'a counted place of nothing': { ...counted, amount: '0' },
      'a counted place beyond the capacity': { ...counted, amount: '3' },
    },
  },
}

describe.each(Object.entries(refused))('%s refuses', (constraint, { table, rows }) => {
  test.each(Object.entries(rows))('%s', async (_, row) => {
    await expect(insert(table, row)).rejects.toMatchObject({ constraint_name: constraint })
  })
})
