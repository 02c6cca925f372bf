import { defineTask } from '@tasking/core'
import { describe, expect, test } from 'vitest'

import { forwardingStore } from './forwarding-store.ts'
import { Scene } from './scene.ts'

const quick = defineTask({ name: 'quick', run: () => 'ran' })

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
