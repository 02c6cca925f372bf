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

describe('the database refuses', () => {
  test.each<[what: string, table: string, Row, constraint: string]>([
    ...['worker_id', 'fencing_token', 'started_at', 'unblocked_at'].map(
      (column): [string, string, Row, string] => [
        `a running task without ${column}`,
        'task',
        { ...owned, [column]: 'null' },
        'task_running_has_owner',
      ],
    ),
    [
      'a canceling task without an owner',
      'task',
      { ...owned, state: `'canceling'`, worker_id: 'null' },
      'task_running_has_owner',
    ],
    [
      'a final task without an end',
      'task',
      { ...task, state: `'failed'` },
      'task_final_is_finished',
    ],
    ['an end before it', 'task', { ...task, finished_at: 'now()' }, 'task_final_is_finished'],
    [
      'a scheduled task without a time',
      'task',
      { ...scheduled, run_at: 'null' },
      'task_special_is_sound',
    ],
    [
      'a scheduled task with an owner',
      'task',
      { ...scheduled, worker_id: 'gen_random_uuid()' },
      'task_special_is_sound',
    ],
    [
      'a scheduled task of a group that is in no line',
      'task',
      { ...scheduled, group_id: 'gen_random_uuid()' },
      'task_special_is_sound',
    ],
    [
      'an orphan that is blocked',
      'task',
      { ...orphan, unblocked_at: 'null' },
      'task_special_is_sound',
    ],
    ['an orphan without an error', 'task', { ...orphan, error: 'null' }, 'task_special_is_sound'],
    [
      'an orphan that completes',
      'task',
      { ...orphan, state: `'completed'`, finished_at: 'now()' },
      'task_special_is_sound',
    ],
    [
      'an orphan that is tried again',
      'task',
      { ...scheduled, ends_as: `'failed'`, unblocked_at: 'now()', error: `'{}'` },
      'task_special_is_sound',
    ],
    [
      'an orphan that ends as it began',
      'task',
      { ...orphan, ends_as: `'waiting'` },
      'task_special_is_sound',
    ],
    [
      'a counted place without an amount',
      'reservation',
      { ...counted, amount: 'null' },
      'reservation_counted_fits',
    ],
    [
      'a counted place without a capacity',
      'reservation',
      { ...counted, capacity: 'null' },
      'reservation_counted_fits',
    ],
    [
      'a counted place of nothing',
      'reservation',
      { ...counted, amount: '0' },
      'reservation_counted_fits',
    ],
    [
      'a counted place beyond the capacity',
      'reservation',
      { ...counted, amount: '3' },
      'reservation_counted_fits',
    ],
  ])('%s', async (_, table, row, constraint) => {
    await expect(insert(table, row)).rejects.toMatchObject({ constraint_name: constraint })
  })
})
