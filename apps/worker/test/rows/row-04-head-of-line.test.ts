import { batchEntry } from '@tasking/core'
import { describe, expect, test } from 'vitest'
import { double } from '../fixtures/tasks.ts'
import { openWorkerScene } from '../worker-scene.ts'

describe('row 4: the head of the line does not block others', () => {
  test('a free task behind 200 that are stuck at one resource runs at once', async () => {
    await using scene = await openWorkerScene()
    const { tasking } = scene
    const head = await scene.startHolding(await scene.start('--concurrency', '2'), ['number:1'])
    const entries = Array.from({ length: 200 }, () => batchEntry(double, { number: 1 }))
    const stuck = await tasking.dispatchBatch(entries)
    const free = await tasking.dispatch(double, { number: 2 })
    expect(await free.result({ timeout: '20s' })).toBe(4)
    expect(await head.load()).toMatchObject({ state: 'running' })
    const waiting = await tasking.list({ name: 'double', states: ['waiting'], limit: 300 })
    expect(waiting.filter(({ unblockedAt }) => unblockedAt === null)).toHaveLength(200)
    await head.letGo()
    const results = await Promise.all(stuck.map((handle) => handle.result()))
    expect(results).toEqual(stuck.map(() => 2))
  })
})
