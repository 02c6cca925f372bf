import { describe, expect, test } from 'vitest'
import { openWorkerScene } from '../worker-scene.ts'

describe('row 7: a worker that has gone missing', () => {
  test('fails its task, which says so, and the next on that resource runs', async () => {
    await using scene = await openWorkerScene()
    const doomed = await scene.start('--ttl', '5s', '--name', 'doomed')
    const lost = await scene.startHolding(doomed, ['a'])
    const other = await scene.start('--name', 'other')
    const next = await scene.dispatchHolding({ exclusive: ['a'] })
    expect(next.outcome).toBe('blocked')
    doomed.kill('SIGKILL')
    expect(await doomed.exit).toEqual({ code: null, signal: 'SIGKILL' })
    const task = await lost.finished({ timeout: '40s' })
    expect(task).toMatchObject({
      state: 'failed',
      error: { code: 'worker_missing', message: 'Worker "doomed" has gone missing.' },
      result: null,
    })
    await next.running()
    await next.letGo()
    const after = await next.finished()
    expect(after).toMatchObject({ state: 'completed', result: 'let go' })
    expect(after.unblockedAt?.getTime()).toBeGreaterThanOrEqual(task.finishedAt?.getTime() ?? NaN)
    // The only one that is left.
    expect(await scene.tasking.store.workers()).toMatchObject([{ name: 'other', alive: true }])
    other.kill('SIGTERM')
    expect(await other.exit).toEqual({ code: 0, signal: null })
  })
})
