import { describe, expect, test } from 'vitest'
import { openWorkerScene } from '../worker-scene.ts'

describe('row 8: a waiting task that is canceled', () => {
  test.each([
    ['blocked', ['a']],
    ['free', ['b']],
  ])('while it is %s ends at once, never starts, and stands in nobody’s way', async (_, names) => {
    await using scene = await openWorkerScene()
    const worker = await scene.start()
    const first = await scene.startHolding(worker, ['a'])
    const canceled = await scene.dispatchHolding({ exclusive: names })
    const behind = await scene.dispatchHolding({ exclusive: names })
    const task = await canceled.cancel('superseded')
    expect(task).toMatchObject({ state: 'canceled', cancelReason: 'superseded' })
    expect(task).toMatchObject({ startedAt: null, workerId: null, finishedAt: expect.any(Date) })
    expect(task).toMatchObject({ result: null, error: null })
    await Promise.all([first.letGo(), behind.letGo()])
    expect(await behind.finished()).toMatchObject({ state: 'completed' })
    expect(await canceled.load()).toEqual(task)
    expect(worker.lines.join('\n')).not.toContain(canceled.id)
  })
})
