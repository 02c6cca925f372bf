import { defineTask } from '@tasking/core'
import { useDatabase } from '@tasking/testbed'
import postgres from 'postgres'
import { describe, expect, test } from 'vitest'

import { Scene } from '../scene.ts'

const idle = defineTask({ name: 'idle', run: () => undefined })
const alone = defineTask({ name: 'alone', resources: { exclusive: ['a'] }, run: () => undefined })

describe('row 28: how much there is to do is measured', () => {
  test('what could run at once, and for how long it has been waiting', async () => {
    await using scene = await Scene.open()
    const tasking = scene.tasking([idle, alone])
    for (const definition of [idle, idle, alone, alone]) await tasking.dispatch(definition)
    const sql = postgres(scene.url, { max: 1, onnotice: () => undefined })
    await sql`update tasking.task set unblocked_at = unblocked_at - interval '1 minute'
               where id = (select id from tasking.task where name = 'idle' limit 1)`
    await sql.end({ timeout: 1 })
    const { longestMs, ...metrics } = await tasking.metrics()
    expect(metrics).toMatchObject({ unblocked: 3, waitingLong: 1, parallel: 3, blocked: 1 })
    expect(longestMs).toBeGreaterThan(60_000)
    expect(longestMs).toBeLessThan(120_000)
  })

  test('by one worker for all, now and then', async () => {
    await using scene = await Scene.open()
    const running = scene.meeting(2)
    const over = scene.gate()
    const hold = defineTask({
      name: 'hold',
      async run() {
        void running.arrive()
        await over.opened
      },
    })
    const tasking = scene.tasking([hold])
    for (let n = 0; n < 4; n += 1) await tasking.dispatch(hold)
    const housekeeping = { metrics: '100ms' } as const
    // What each of them can run at once, it runs.
    const { log } = await scene.startedWorker(tasking, { housekeeping })
    const { log: other } = await scene.startedWorker(tasking, { housekeeping, auxiliary: true })
    await running.complete
    // The first to come may have been asked for before both ran.
    const first = await log.next('measured', { from: log.events.length })
    const { metrics } = await log.next('measured', { from: log.events.indexOf(first) + 1 })
    expect(metrics).toMatchObject({ unblocked: 2, running: 2, parallel: 4, workers: 2, slots: 2 })
    expect(other.of('measured')).toEqual([])
  })
})

describe('row 28: also when the system is congested', () => {
  const database = useDatabase()

  test('it reads no more of a long backlog than it says', async () => {
    const sql = postgres(database.directUrl, { max: 1, onnotice: () => undefined })
    await sql`
      insert into tasking.task (id, name, state, queue, priority, position, exclusive, shared,
                                dispatched_at, unblocked_at)
      select gen_random_uuid(), 'kind ' || n % 3, 'waiting', 'queue ' || n % 2, n % 5, n, '{}', '{}',
             now(), now() - interval '10 s'
        from generate_series(1, 30000) as n`
    await sql.begin(async (tx) => {
      const [row] = await tx`select tasking.metrics(5000, 100, 50, 100) as found`
      expect(row?.['found']).toMatchObject({
        complete: false,
        queues: [
          { queue: 'queue 0', unblocked: 750, waitingLong: 750 },
          { queue: 'queue 1', unblocked: 750, waitingLong: 750 },
        ],
      })
      const [reads] = await tx`
        select sum(idx_tup_fetch + seq_tup_read)::int as rows from pg_stat_xact_user_tables
         where schemaname = 'tasking'`
      expect(reads?.['rows']).toBeLessThan(5_000)
    })
    const [row] = await sql`select tasking.metrics(5000, 100, 50000, 100) as found`
    expect(row?.['found']).toMatchObject({ complete: true, queues: [{ unblocked: 15_000 }, {}] })
    await sql.end({ timeout: 1 })
  })
})
