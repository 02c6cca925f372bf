import { defineTask, purgeTask } from '@tasking/core'
import { eventually } from '@tasking/testbed'
import { describe, expect, test } from 'vitest'

import { Scene } from '../scene.ts'

const fine = defineTask({ name: 'fine', run: () => 'done' })
const broken = defineTask({
  name: 'broken',
  run() {
    throw new Error('broken')
  },
})

/** Two tasks that have completed, one that has failed, one that was canceled, and one that waits. */
async function history(scene: Scene) {
  const tasking = scene.tasking([fine, broken, purgeTask])
  const { worker } = await scene.startedWorker(tasking)
  const ended = [fine, fine, broken].map(async (definition) => {
    const handle = await tasking.dispatch(definition)
    return (await handle.finished()).id
  })
  const [first, second, failed] = await Promise.all(ended)
  await worker.stop()
  const canceled = await tasking.dispatch(fine)
  await canceled.cancel()
  const waiting = await tasking.dispatch(fine, undefined, { queue: 'nobody' })
  const states = async () => (await tasking.list()).map(({ state }) => state).toSorted()
  return { tasking, first, second, failed, canceled, waiting, states }
}

describe('row 20: finished tasks are purged', () => {
  test('by age and state, and unfinished ones never', async () => {
    await using scene = await Scene.open()
    const { tasking, states } = await history(scene)
    expect(await tasking.purge({ olderThan: '1h' })).toBe(0)
    expect(await tasking.purge({ olderThan: 0, dryRun: true })).toBe(2)
    expect(await tasking.purge({ olderThan: 0, name: 'broken' })).toBe(0)
    expect(await states()).toEqual(['canceled', 'completed', 'completed', 'failed', 'waiting'])
    expect(await tasking.purge({ olderThan: 0 })).toBe(2)
    expect(await states()).toEqual(['canceled', 'failed', 'waiting'])
    expect(await tasking.purge({ olderThan: 0, states: ['failed', 'canceled'] })).toBe(2)
    expect(await states()).toEqual(['waiting'])
  })

  test('by a task that does nothing else', async () => {
    await using scene = await Scene.open()
    const { tasking, states } = await history(scene)
    await scene.startedWorker(tasking)
    const handle = await tasking.dispatch(purgeTask, { olderThan: 0, states: ['completed'] })
    expect(await handle.result()).toEqual({ purged: 2 })
    expect(await states()).toEqual(['canceled', 'completed', 'failed', 'waiting'])
  })

  test('by a schedule of that task', async () => {
    await using scene = await Scene.open()
    const { tasking, states } = await history(scene)
    await scene.startedWorker(tasking, { housekeeping: { schedules: '100ms' } })
    const input = { olderThan: 0, states: ['failed', 'canceled'] } as const
    await tasking.schedules.set({ name: 'tidy', task: purgeTask, input, at: new Date() })
    const purges = () => tasking.list({ name: purgeTask.name, states: ['completed'] })
    await eventually(async () => (await purges()).length > 0, { what: 'the purge' })
    expect(await purges()).toMatchObject([{ result: { purged: 2 } }])
    expect(await states()).toEqual(['completed', 'completed', 'completed', 'waiting'])
  })

  test('by the workers, as their policy says', async () => {
    await using scene = await Scene.open()
    const { tasking, states } = await history(scene)
    await scene.startedWorker(tasking, {
      housekeeping: { purge: '100ms' },
      purge: { completed: 0, canceled: 0, failed: '1d' },
    })
    await eventually(async () => (await tasking.list()).length === 2, { what: 'the purge' })
    expect(await states()).toEqual(['failed', 'waiting'])
  })
})
