import { batchEntry, createTasking, defineTask } from '@tasking/core'
import type { AnyTaskDefinition } from '@tasking/core'
import { migrate, pgStore } from '@tasking/store-pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { startPostgres } from '@tasking/local-postgres'
import type { LocalPostgres } from '@tasking/local-postgres'
import { entranceTo, pooled } from '@tasking/testbed'
import type { Entrance } from '@tasking/testbed'
import { createWorker } from '../src/index.ts'
import type { Worker, WorkerOptions } from '../src/index.ts'
import { EventLog } from './event-log.ts'
import { Gate, Meeting } from './gate.ts'
import { frozenClock } from './hand-clock.ts'

// A crashed server may take long to recover on a busy disk, and whoever listens tries ever more seldom.
describe('with a database server that crashes', { timeout: 120_000 }, () => {
  let server: LocalPostgres
  let entrance: Entrance
  const workers: Worker[] = []

  // Durable: what was answered must be there after the crash.
  beforeAll(async () => {
    server = await startPostgres({ maxConnections: 50 })
    await migrate({ url: server.url })
    entrance = await entranceTo(server.url, { patience: 1 })
  })
  afterAll(async () => {
    await server.restart()
    await Promise.all(workers.map((worker) => worker.stop({ abortAfter: 0 })))
    await entrance.close()
    await server.stop()
  })

  function setUp(
    tasks: readonly AnyTaskDefinition[],
    options: Pick<WorkerOptions, 'concurrency' | 'clock'> = {},
  ) {
    const log = new EventLog()
    const tasking = createTasking({ store: pgStore({ url: entrance.url, poolSize: 3 }), tasks })
    const worker = createWorker({ ...options, tasking, onEvent: log.note })
    workers.push(worker)
    return { tasking, worker, log }
  }

  test('all tasks come to their end', async () => {
    const runs = new Map<string, number>()
    const underWay = new Meeting(4)
    const goOn = new Gate()
    const job = defineTask({
      name: 'job',
      resources: (index: number) => ({ exclusive: [`line:${index % 5}`] }),
      async run(index: number, { task }) {
        runs.set(task.id, (runs.get(task.id) ?? 0) + 1)
        void underWay.arrive()
        await goOn.opened
        return index
      },
    })
    const { tasking, worker, log } = setUp([job], { concurrency: 4 })
    const indexes = Array.from({ length: 40 }, (_, index) => index)
    const handles = await tasking.dispatchBatch(indexes.map((index) => batchEntry(job, index)))
    await worker.start()
    await underWay.complete
    await server.kill()
    // The handlers end while nobody can be told.
    goOn.open()
    await log.next('unavailable')
    await server.restart()
    for (const { id } of handles) await log.next('finished', { taskId: id })
    const tasks = await Promise.all(handles.map((handle) => handle.load()))
    expect(tasks.map(({ state, result }) => [state, result])).toEqual(
      indexes.map((index) => ['completed', index]),
    )
    expect([...runs.values()]).toEqual(Array(40).fill(1))
    expect(log.of('refused')).toEqual([])
    await worker.stop()
    await tasking.close()
  })

  test('wake-ups come again afterwards', async ({ skip }) => {
    skip(pooled, 'signals need LISTEN, on a direct connection')
    const quick = defineTask({ name: 'quick', run: () => 'ran' })
    // It never polls: whatever it asks for is a wake-up's work.
    const { tasking, worker, log } = setUp([quick], { clock: frozenClock })
    await worker.start()
    await log.next('idle')
    const from = log.events.length
    await server.kill()
    await server.restart()
    await log.next('idle', { from })
    const { id } = await attempt(() => tasking.dispatch(quick))
    await log.next('finished', { taskId: id })
    await worker.stop()
    await tasking.close()
  })

  test('a worker that starts meanwhile keeps trying, and says where', async () => {
    const quick = defineTask({ name: 'quick', run: () => 'ran' })
    await server.kill()
    const { tasking, worker, log } = setUp([quick])
    const started = worker.start()
    await log.next('unavailable')
    const { error } = await log.next('unavailable', { from: 1 })
    expect(error).toMatchObject({
      code: 'store_unavailable',
      message: expect.stringContaining(new URL(entrance.url).host),
    })
    expect(log.of('started')).toEqual([])
    await server.restart()
    await started
    expect(log.of('started')).toHaveLength(1)
    expect(await (await tasking.dispatch(quick)).result()).toBe('ran')
    await worker.stop()
    await tasking.close()
  })

  test('a worker whose store was in use before keeps trying too', async () => {
    const quick = defineTask({ name: 'quick', run: () => 'ran' })
    const { tasking, worker, log } = setUp([quick])
    const handle = await tasking.dispatch(quick)
    await server.kill()
    const started = worker.start()
    await log.next('unavailable')
    await log.next('unavailable', { from: 1 })
    await server.restart()
    await started
    await log.next('finished', { taskId: handle.id })
    await worker.stop()
    await tasking.close()
  })

  test('a worker that starts meanwhile can be stopped', async () => {
    const quick = defineTask({ name: 'quick', run: () => 'ran' })
    await server.kill()
    const { tasking, worker, log } = setUp([quick])
    const started = worker.start()
    await log.next('unavailable')
    await worker.stop()
    await started
    expect(log.of('started')).toEqual([])
    await server.restart()
    expect(await attempt(() => tasking.store.workers())).toEqual([])
    await tasking.close()
  })
})

/** Each of the pool's connections that the crash has ended may fail once. */
async function attempt<T>(verb: () => Promise<T>, failures = 5): Promise<T> {
  try {
    return await verb()
  } catch (error) {
    if (failures === 0) throw error
    return attempt(verb, failures - 1)
  }
}
