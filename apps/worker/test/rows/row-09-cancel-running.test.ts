import { isAlive } from '@tasking/testbed'
import { describe, expect, test } from 'vitest'
import { spin } from '../fixtures/isolated.ts'
import { openWorkerScene } from '../worker-scene.ts'

const graceMs = 200

describe('row 9: a running task that is canceled', () => {
  test('is asked to stop, and keeps its resources until it has', async () => {
    await using scene = await openWorkerScene()
    const first = await scene.startHolding(await scene.start(), ['a'])
    const next = await scene.dispatchHolding({ exclusive: ['a'] })
    await first.cancel('superseded')
    const task = await first.finished()
    expect(task).toMatchObject({ state: 'canceled', cancelReason: 'superseded', result: null })
    expect(task.startedAt).toBeInstanceOf(Date)
    await next.running()
    const { unblockedAt } = await next.load()
    expect(unblockedAt?.getTime()).toBeGreaterThanOrEqual(task.finishedAt?.getTime() ?? NaN)
    await next.letGo()
    expect(await next.finished()).toMatchObject({ state: 'completed' })
  })

  test.each(['thread', 'process'] as const)(
    'is stopped by force if it ignores that: a gooey one in a %s',
    async (isolation) => {
      await using scene = await openWorkerScene()
      const flags = ['--tasks', './isolated.ts', '--isolation', isolation]
      const worker = await scene.start(...flags, '--grace', `${graceMs}ms`)
      const gooey = await scene.tasking.dispatch(spin)
      const next = await scene.dispatchHolding({ exclusive: ['spinning'] })
      const line = await worker.waitForLine(/"spinning"/)
      const { handler } = JSON.parse(line) as { handler: number }
      expect(handler === worker.pid).toBe(isolation === 'thread')
      await gooey.cancel()
      expect(await gooey.finished({ timeout: '20s' })).toMatchObject({ state: 'canceled' })
      await worker.waitForLine(/"graceMs":200.*"a handler goes on .*: killing it"/)
      if (isolation === 'process') expect(isAlive(handler)).toBe(false)
      // The worker lives on, and its resources are free.
      await next.letGo()
      expect(await next.finished()).toMatchObject({ state: 'completed' })
      worker.kill('SIGTERM')
      expect(await worker.exit).toEqual({ code: 0, signal: null })
    },
  )
})
