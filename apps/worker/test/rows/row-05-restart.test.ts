import { batchEntry } from '@tasking/core'
import { describe, expect, test } from 'vitest'
import { double } from '../fixtures/tasks.ts'
import { openWorkerScene } from '../worker-scene.ts'

describe('row 5: tasks are not assigned before they start', () => {
  test.each([
    ['stopped', 'SIGTERM', 'completed'],
    ['killed', 'SIGKILL', 'failed'],
  ] as const)('a worker that is %s takes no waiting task with it', async (_, signal, end) => {
    await using scene = await openWorkerScene()
    const { tasking } = scene
    const first = await scene.start('--ttl', '5s')
    // In its only slot; one waits for the resource, the others for the slot.
    const running = await scene.startHolding(first, ['number:1'])
    const waiting = await tasking.dispatchBatch(
      [1, 2, 3].map((number) => batchEntry(double, { number })),
    )
    const load = () => Promise.all(waiting.map((handle) => handle.load()))
    const unassigned = waiting.map(() => ({
      ...{ state: 'waiting', workerId: null, fencingToken: null, startedAt: null },
    }))

    const isFree = (await load()).map(({ unblockedAt }) => unblockedAt !== null)
    expect(isFree).toEqual([false, true, true])
    first.kill(signal)
    if (signal === 'SIGTERM') {
      await first.waitForLine(/"stopping/)
      expect(await load()).toMatchObject(unassigned)
      await running.letGo()
    }
    await first.exit
    expect(await load()).toMatchObject(unassigned)

    await scene.start('--name', 'restarted')
    const restarted = (await tasking.store.workers()).find(({ name }) => name === 'restarted')
    const tasks = await Promise.all(waiting.map((handle) => handle.finished()))
    const workerId = restarted?.id
    expect(tasks).toMatchObject(waiting.map(() => ({ state: 'completed', workerId })))
    expect(await running.load()).toMatchObject({ state: end })
  })
})
