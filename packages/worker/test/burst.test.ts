import { defineTask } from '@tasking/core'
import type { Backoff } from '@tasking/core'
import { describe, expect, test } from 'vitest'

import { forwardingStore } from './forwarding-store.ts'
import { LogBook } from './log-book.ts'
import { Scene } from './scene.ts'

const quick = defineTask({ name: 'quick', run: () => 'ran' })

/** A task that fails so often before it completes. */
const failing = (limit: number, backoff: Backoff) =>
  defineTask({
    name: 'failing',
    retry: { limit, backoff, jitter: 0 },
    run(_input: undefined, { attempt }) {
      if (attempt <= limit) throw new Error('not yet')
    },
  })

describe.each(['memory', 'postgres'] as const)('a worker in burst mode, on %s,', (kind) => {
  test('ends by itself when it has run what could run', async () => {
    await using scene = await Scene.open(kind)
    const tasking = scene.tasking([quick])
    const handles = [await tasking.dispatch(quick), await tasking.dispatch(quick)]
    const { worker } = await scene.startedWorker(tasking, { burst: true })
    await worker.ended
    expect(worker.health).toMatchObject({ phase: 'stopped', isReady: false })
    for (const handle of handles) expect(await handle.load()).toMatchObject({ state: 'completed' })
    expect(await tasking.store.workers()).toEqual([])
  })

  test('ends at once where there is nothing to do', async () => {
    await using scene = await Scene.open(kind)
    const { worker, log } = await scene.startedWorker(scene.tasking([quick]), { burst: true })
    await worker.ended
    expect(log.of('idle')).toHaveLength(1)
  })

  test('runs what its handlers dispatch, too', async () => {
    await using scene = await Scene.open(kind)
    const parent = defineTask({
      name: 'parent',
      run: async (_input: undefined, { dispatch }) => (await dispatch(quick)).id,
    })
    const tasking = scene.tasking([parent, quick])
    const handle = await tasking.dispatch(parent)
    const { worker } = await scene.startedWorker(tasking, { burst: true })
    await worker.ended
    expect(await tasking.find(await handle.result())).toMatchObject({ state: 'completed' })
  })

  test('tries again what it has begun, where that is soon', async () => {
    await using scene = await Scene.open(kind)
    const flaky = failing(2, { kind: 'fixed', delay: '150ms' })
    const tasking = scene.tasking([flaky, quick])
    const handle = await tasking.dispatch(flaky)
    const later = await tasking.dispatch(quick, undefined, { delay: '1h' })
    const { worker } = await scene.startedWorker(tasking, { burst: true })
    await worker.ended
    expect(await handle.load()).toMatchObject({ state: 'completed', attempt: 3 })
    expect(await later.load()).toMatchObject({ state: 'scheduled' })
  })

  test.each([
    ['that is to be tried again later than it waits', '1h', {}],
    ['that is to be tried again, if it is told to', '10s', { burstWait: 0 }],
  ] as const)('leaves a task %s, and says so', async (_, delay, options) => {
    await using scene = await Scene.open(kind)
    const flaky = failing(1, { kind: 'fixed', delay })
    const tasking = scene.tasking([flaky])
    const handle = await tasking.dispatch(flaky)
    const book = new LogBook()
    const settings = { burst: true, logger: book.logger, ...options }
    const { worker } = await scene.startedWorker(tasking, settings)
    await worker.ended
    expect(await handle.load()).toMatchObject({ state: 'scheduled', attempt: 2 })
    expect(await book.next('the burst ends before all that has failed was tried again')).toEqual(
      expect.objectContaining({ level: 'warn', fields: expect.objectContaining({ tasks: 1 }) }),
    )
  })

  // Before it would be tried again.
  test('does not wait for one that somebody cancels meanwhile', { timeout: 40_000 }, async () => {
    await using scene = await Scene.open(kind)
    const flaky = failing(1, { kind: 'fixed', delay: '50s' })
    const tasking = scene.tasking([flaky])
    const handle = await tasking.dispatch(flaky)
    const { worker, log } = await scene.startedWorker(tasking, { burst: true })
    await log.next('finished', { taskId: handle.id })
    await log.next('idle', { from: log.events.length })
    await handle.cancel()
    await worker.ended
    expect(await handle.load()).toMatchObject({ state: 'canceled' })
  })

  test('waits no longer than that for somebody to bring back what is due', async () => {
    await using scene = await Scene.open(kind)
    const flaky = failing(1, { kind: 'fixed', delay: '50ms' })
    const tasking = scene.tasking([flaky])
    const handle = await tasking.dispatch(flaky)
    const alone = { burst: true, burstWait: '200ms', auxiliary: true } as const
    const { worker } = await scene.startedWorker(tasking, alone)
    await worker.ended
    expect(await handle.load()).toMatchObject({ state: 'scheduled', attempt: 2 })
  })

  test('goes on after turns without an answer', async () => {
    await using scene = await Scene.open(kind)
    let turns = 0
    const tasking = scene.tasking([quick], {
      wrap: (store) =>
        forwardingStore(store, {
          async turn(turn) {
            const result = await store.turn(turn)
            turns += 1
            if (turns === 1) throw new Error('the answer got lost')
            return result
          },
        }),
    })
    const handle = await tasking.dispatch(quick)
    const { worker } = await scene.startedWorker(tasking, { burst: true })
    await worker.ended
    expect(await handle.load()).toMatchObject({ state: 'completed' })
  })
})
