import type { Store } from '@tasking/core'
import { startPostgres } from '@tasking/local-postgres'
import type { LocalPostgres } from '@tasking/local-postgres'
import { eventually, useDatabase } from '@tasking/testbed'
import postgres from 'postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { doctor, migrate, pgStore } from '../src/index.ts'
import { findingsOn } from './findings.ts'
import { emptied } from './emptied.ts'
import { claim, completed, register, taskOf } from './hand.ts'

const database = useDatabase()
let sql: postgres.Sql
let store: Store

beforeAll(() => {
  sql = postgres(database.directUrl, { max: 1, onnotice: () => undefined })
  store = pgStore({ url: database.url, listen: false })
})
afterAll(async () => {
  await store.close()
  await sql.end({ timeout: 1 })
})
beforeEach(() => emptied(sql))

const on = (code: string, limits: Parameters<typeof findingsOn>[3] = {}) =>
  findingsOn(sql, 'tasking', code, limits)

describe('workers', () => {
  test('one that is silent', async () => {
    await register(store)
    expect(await on('workers')).toMatchObject([{ severity: 'ok' }])
    const id = await register(store, 1)
    await eventually(async () => (await store.workers()).some(({ alive }) => !alive), {
      what: 'its TTL to be over',
    })
    expect(await on('workers')).toMatchObject([
      {
        severity: 'warning',
        message: expect.stringMatching(`^Worker "by hand" \\(${id}\\) has been silent for \\d+ s`),
      },
    ])
  })

  test('none that does housekeeping', async () => {
    const hidden = async (change: string) => {
      await sql.unsafe(`update tasking.app_status set ${change}`)
      return on('housekeeping')
    }
    await register(store)
    expect(await on('housekeeping')).toMatchObject([{ severity: 'ok' }])
    expect(await hidden('auxiliary = true')).toEqual([
      {
        ...{
          code: 'housekeeping',
          severity: 'warning',
          advice: expect.stringMatching(/--auxiliary/),
        },
        message: 'No live worker does housekeeping: the only one is auxiliary.',
      },
    ])
    const housekeeper = await register(store)
    expect(await on('housekeeping')).toMatchObject([{ severity: 'ok' }])
    // It is dead.
    await sql`update tasking.app_status set ttl_ms = 0 where id = ${housekeeper}`
    expect(await on('housekeeping')).toMatchObject([{ severity: 'warning' }])
  })

  test('none at all, which matters where there is something to do', async () => {
    const messages = async () => (await on('housekeeping')).map(({ message }) => message)
    await store.dispatch([{ ...taskOf(store), delayMs: 60_000 }])
    expect(await on('housekeeping')).toMatchObject([{ severity: 'ok' }])
    await store.dispatch([taskOf(store)])
    const waiting = 'tasks that wait for a worker'
    expect(await messages()).toEqual([`No worker is alive, and there are ${waiting}.`])
    await sql`update tasking.task set run_at = now() where state = 'scheduled'`
    const due = 'tasks or schedules that are due'
    expect(await messages()).toEqual([`No worker is alive, and there are ${due}, and ${waiting}.`])
    await claim(store, await register(store), 1)
    await sql`update tasking.app_status set ttl_ms = 0`
    await sql`delete from tasking.task where state = 'scheduled'`
    const left = 'tasks that dead workers have left'
    expect(await messages()).toEqual([`No worker is alive, and there are ${left}.`])
    expect(await on('housekeeping')).toMatchObject([{ severity: 'warning' }])
    await sql`delete from tasking.task`
    const { name, input, queue, priority, resources } = taskOf(store)
    await store.setSchedule({
      ...{ name: 'once', timing: { at: '2020-01-01T00:00:00.000Z' }, nextAt: new Date(0) },
      task: { name, input, queue, priority, resources },
    })
    expect(await messages()).toEqual([`No worker is alive, and there are ${due}.`])
    await sql`update tasking.schedule set paused_at = now()`
    expect(await on('housekeeping')).toMatchObject([{ severity: 'ok' }])
  })

  test('none that has the definition, or serves the queue', async () => {
    const task = taskOf(store)
    await store.dispatch([
      ...[task, taskOf(store), { ...taskOf(store), queue: 'other' }],
      { ...taskOf(store), name: 'unknown' },
    ])
    const waiting = async () =>
      (await on('unserved_tasks')).map(({ severity, message }) => {
        expect(severity).toBe('warning')
        return message.replace(/ since \S+, and no live worker with that definition .*/, '')
      })
    const unknown = '1 task "unknown" waits unblocked in queue "default"'
    const other = '1 task "task" waits unblocked in queue "other"'
    expect((await waiting()).toSorted()).toEqual([
      ...[other, unknown, '2 tasks "task" wait unblocked in queue "default"'],
    ])
    await register(store)
    expect((await waiting()).toSorted()).toEqual([other, unknown])
    await sql`update tasking.app_status set queues = '{default,other}', task_names = '{task,unknown}'`
    expect(await on('unserved_tasks')).toMatchObject([{ severity: 'ok' }])
    await sql`update tasking.app_status set ttl_ms = 0`
    expect(await waiting()).toHaveLength(3)
  })
})

describe('places in line', () => {
  test('of a task that is there no more', async () => {
    const task = taskOf(store, { exclusive: ['gone'] })
    await store.dispatch([task, taskOf(store, { shared: ['gone'] })])
    expect(await on('stray_reservations')).toMatchObject([{ severity: 'ok' }])
    await sql`delete from tasking.task where id = ${task.id}`
    expect(await on('stray_reservations')).toMatchObject([
      {
        ...{ severity: 'error', advice: expect.stringContaining(task.id) },
        message: `Resource "gone" is reserved by task ${task.id}, which is not there.`,
      },
    ])
  })

  test('of a task that has ended, for long', async () => {
    const task = taskOf(store, { exclusive: ['kept'] })
    await store.dispatch([task])
    const reservations = await sql`select * from tasking.reservation`
    const worker = await register(store)
    const completions = (await claim(store, worker, 1)).map(completed)
    await store.turn({ workerId: worker, slots: 0, completions, looks: [] })
    await sql`insert into tasking.reservation ${sql(reservations)}`
    // It may be about to leave.
    expect(await on('stray_reservations')).toMatchObject([{ severity: 'ok' }])
    expect(await on('stray_reservations', { limits: { releaseMs: 0 } })).toMatchObject([
      { message: `Resource "kept" is reserved by task ${task.id}, which is completed.` },
    ])
  })

  test.each(['blocked', 'unblocked', 'running'])('that a task which is %s lacks', async (state) => {
    const ahead = taskOf(store, { shared: ['lost', 'other'] })
    const task = taskOf(store, state === 'blocked' ? { exclusive: ['lost', 'other'] } : {})
    await store.dispatch([ahead, task])
    const target = state === 'blocked' ? task : ahead
    if (state === 'running') await claim(store, await register(store), 2)
    expect(await on('missing_reservations')).toMatchObject([{ severity: 'ok' }])
    await sql`delete from tasking.reservation where task_id = ${target.id} and resource = 'lost'`
    const inState = state === 'running' ? 'running' : 'waiting'
    expect(await on('missing_reservations')).toMatchObject([
      {
        severity: 'error',
        message: `Task ${target.id} is ${inState}, but does not stand in line at resource "lost".`,
      },
    ])
  })

  test('are read up to a limit, and listed up to one', async () => {
    const tasks = Array.from({ length: 5 }, (_, n) => taskOf(store, { exclusive: [`r${n}`] }))
    await store.dispatch(tasks)
    await sql`delete from tasking.task`
    expect(await on('stray_reservations', { limits: { listed: 2 } })).toHaveLength(3)
    expect(await on('stray_reservations', { limits: { rows: 1 } })).toHaveLength(1)
  })
})

describe('what keeps vacuum from its work', () => {
  test('a transaction that sees the past', async () => {
    const other = postgres(database.directUrl, { max: 1, connection: { application_name: 'old' } })
    await other.begin('isolation level repeatable read', async (transaction) => {
      const [row] = await transaction<{ pid: number }[]>`select pg_backend_pid() as pid`
      expect(await on('open_transactions')).toMatchObject([{ severity: 'ok' }])
      const findings = await on('open_transactions', { limits: { openMs: 0 } })
      expect(findings).toContainEqual({
        ...{ code: 'open_transactions', severity: 'warning' },
        message: expect.stringMatching(
          `^Session ${row?.pid} \\(.*application "old", idle in transaction\\) has .* open for 0 min`,
        ),
        advice: expect.stringContaining(`pg_terminate_backend(${row?.pid})`),
      })
    })
    const left = await on('open_transactions', { limits: { openMs: 0 } })
    expect(left.filter(({ message }) => message.includes('"old"'))).toEqual([])
    await other.end({ timeout: 1 })
  })

  test('a transaction that has written nothing, and sees the present, does not', async () => {
    const other = postgres(database.directUrl, { max: 1, connection: { application_name: 'idle' } })
    await other.begin(async (transaction) => {
      // As a simple query, which leaves no portal and so no snapshot open.
      await transaction.unsafe('select 1')
      const findings = await on('open_transactions', { limits: { openMs: 0 } })
      expect(findings.filter(({ message }) => message.includes('"idle"'))).toEqual([])
    })
    await other.end({ timeout: 1 })
  })

  test('autovacuum, off for a table', async () => {
    await sql`alter table tasking.reservation set (autovacuum_enabled = off)`
    expect(await on('autovacuum')).toMatchObject([
      { severity: 'warning', message: 'Autovacuum is off for table "reservation".' },
    ])
    await sql`alter table tasking.reservation reset (autovacuum_enabled)`
    expect(await on('autovacuum')).toMatchObject([{ severity: 'ok' }])
  })

  test('autovacuum, far behind at a table', async () => {
    await sql`alter table tasking.task set (autovacuum_vacuum_threshold = 20)`
    await store.dispatch(Array.from({ length: 300 }, () => taskOf(store)))
    await sql`delete from tasking.task`
    await sql`select pg_stat_force_next_flush()`
    const low = { limits: { deadRows: 100, deadTimes: 2, vacuumMs: 0 } }
    const message = expect.stringMatching(
      /^Table "task" has about \d+ dead rows; autovacuum was to come at \d+\.$/,
    )
    const findings = await eventually(
      async () => {
        const found = await on('autovacuum', low)
        return found[0]?.severity === 'warning' && found
      },
      { what: 'the server to count its dead rows' },
    )
    expect(findings).toContainEqual(expect.objectContaining({ severity: 'warning', message }))
    // By the usual limits that is nothing.
    expect(await on('autovacuum')).toMatchObject([{ severity: 'ok' }])
    await sql`alter table tasking.task reset (autovacuum_vacuum_threshold)`
  })
})

describe('on a server of another make', () => {
  let server: LocalPostgres
  let url = ''

  beforeAll(async () => {
    const binDir = process.env['TASKING_POSTGRES_BIN']
    server = await startPostgres({
      durable: false,
      settings: { max_prepared_transactions: 2, wal_level: 'logical', autovacuum: false },
      ...(binDir && { binDir }),
    })
    url = await server.createDatabase('other')
    await migrate({ url })
  })
  afterAll(() => server.stop())

  test('autovacuum, off for all', async () => {
    const findings = await doctor({ url })
    expect(findings.filter(({ severity }) => severity !== 'ok')).toMatchObject([
      {
        ...{ code: 'autovacuum', severity: 'warning' },
        message: expect.stringMatching(/^The setting "autovacuum" of the server is off/),
      },
    ])
  })

  test('a transaction that was prepared and forgotten, and a replication slot', async () => {
    const other = postgres(url, { max: 1 })
    // First, since it waits for the end of every transaction that is open.
    await other`select pg_create_logical_replication_slot('unused', 'pgoutput')`
    await other.unsafe(`begin; create table public.mine (); prepare transaction 'forgotten'`)
    const findings = await findingsOn(other, 'tasking', 'open_transactions', {
      limits: { openMs: 0, heldBack: 0 },
    })
    expect(findings).toMatchObject([
      {
        message: expect.stringMatching(/^Transaction "forgotten" of user "postgres" was prepared/),
      },
      { message: expect.stringMatching(/^Replication slot "unused" \(not in use\) holds back/) },
    ])
    expect(await findingsOn(other, 'tasking', 'open_transactions')).toMatchObject([
      { severity: 'ok' },
    ])
    await other.unsafe(`rollback prepared 'forgotten'`)
    await other`select pg_drop_replication_slot('unused')`
    await other.end({ timeout: 1 })
  })
})
