import type { Task } from '@tasking/core'
import { eventually } from '@tasking/testbed'
import { describe, expect, test } from 'vitest'
import { openWorkerScene } from '../worker-scene.ts'

describe('row 6: blocked and unblocked are visible', () => {
  test('unblockedAt is set when a task may be claimed, whether or not somebody does', async () => {
    await using scene = await openWorkerScene()
    const resources = { exclusive: ['a'], shared: ['b'] }
    const first = await scene.dispatchHolding(resources)
    // Of a queue that no worker serves.
    const second = await scene.dispatchHolding(resources, { queue: 'other' })
    const third = await scene.dispatchHolding(resources)
    expect([first.outcome, second.outcome, third.outcome]).toEqual(['free', 'blocked', 'blocked'])
    const free = await first.load()
    expect(free.unblockedAt).toEqual(free.dispatchedAt)
    expect(free).toMatchObject({ state: 'waiting', startedAt: null })

    const blocked = { state: 'waiting', unblockedAt: null }
    await scene.start()
    await first.running()
    expect([await second.load(), await third.load()]).toMatchObject([blocked, blocked])
    await first.letGo()
    const { finishedAt, unblockedAt } = await first.finished()
    expect(unblockedAt).toEqual(free.unblockedAt)
    const isFree = async () => (await second.load()).unblockedAt !== null
    await eventually(isFree, { what: 'the second to be unblocked' })
    const unclaimed = await second.load()
    expect(unclaimed).toMatchObject({ state: 'waiting', startedAt: null, workerId: null })
    expect(unclaimed.unblockedAt?.getTime()).toBeGreaterThanOrEqual(finishedAt?.getTime() ?? NaN)
    expect(await third.load()).toMatchObject(blocked)

    await second.cancel()
    await third.running()
    await third.letGo()
    expectInOrder(await third.finished())
  })
})

function expectInOrder({ dispatchedAt, unblockedAt, startedAt, finishedAt }: Task): void {
  const times = [dispatchedAt, unblockedAt, startedAt, finishedAt].map((time) => time?.getTime())
  expect(times).toEqual(times.toSorted((a, b) => (a ?? NaN) - (b ?? NaN)))
  expect(times).not.toContain(undefined)
}
