import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DispatchedHandle } from '@tasking/core'
import { eventually } from '@tasking/testbed'
import type { TestProcess } from '@tasking/testbed'
import { describe, expect, test } from 'vitest'
import { create } from '../fixtures/creating.ts'
import { openWorkerScene } from '../worker-scene.ts'
import type { WorkerScene } from '../worker-scene.ts'

// The first one is to live until the others are there, which takes a busy machine seconds.
const flags = ['--tasks', './creating.ts', '--ttl', '5s', '--isolation', 'inline']

/** A task that has created something, on a worker that is killed, and another task behind it. */
async function lose(
  scene: WorkerScene,
  input: Parameters<typeof create.run>[0],
  before: (lost: DispatchedHandle<void>) => Promise<unknown> = async () => undefined,
) {
  const doomed = await scene.start(...flags, '--name', 'doomed')
  const lost = await scene.tasking.dispatch(create, input)
  await doomed.waitForLine(new RegExp(`${lost.id}.*"created"`))
  const next = await scene.dispatchHolding({ exclusive: ['a'] })
  const heirs = await Promise.all([scene.start(...flags), scene.start(...flags)])
  await before(lost)
  doomed.kill('SIGKILL')
  await doomed.exit
  return { lost, next, heirs }
}

/** What the one of the workers says that cleans up after the task. */
const whatIsSaid = async (heirs: readonly TestProcess[], id: string): Promise<unknown> => {
  const pattern = new RegExp(`${id}.*"cleaning up"`)
  return JSON.parse(await Promise.any(heirs.map((heir) => heir.waitForLine(pattern))))
}

describe('row 17: what a lost worker’s task had created', () => {
  test.each([
    ['fails', 'failed', 'worker_missing'],
    ['is canceled', 'canceled', null],
  ] as const)('is cleaned up while it holds its resources, then it %s', async (_, state, code) => {
    await using scene = await openWorkerScene()
    const gate = join(scene.folder, 'gate')
    const { lost, next, heirs } = await lose(scene, { gate }, async (handle) => {
      if (state === 'canceled') await handle.cancel()
    })
    expect(await whatIsSaid(heirs, lost.id)).toMatchObject({ created: ['version:1'], code })
    const meanwhile = state === 'canceled' ? 'canceling' : 'running'
    expect(await lost.load()).toMatchObject({ state: meanwhile, endsAs: state })
    expect(await next.load()).toMatchObject({ state: 'waiting', unblockedAt: null })
    await writeFile(gate, '')
    const task = await lost.finished({ timeout: '40s' })
    expect(task).toMatchObject({ state, error: { code: 'worker_missing' } })
    expect(await lost.created()).toMatchObject([{ resource: 'version:1', state: 'removed' }])
    await next.running()
    const { unblockedAt } = await next.load()
    expect(unblockedAt?.getTime()).toBeGreaterThanOrEqual(task.finishedAt?.getTime() ?? NaN)
    await next.letGo()
    expect(await next.finished()).toMatchObject({ state: 'completed' })
  })

  test('stays on record when its clean-up ends a worker, too: that is tried once', async () => {
    await using scene = await openWorkerScene()
    const { lost, next, heirs } = await lose(scene, {})
    // What it says last may not get out any more.
    expect(await Promise.race(heirs.map(({ exit }) => exit))).toEqual({
      ...{ code: null, signal: 'SIGKILL' },
    })
    const task = await lost.finished({ timeout: '40s' })
    expect(task).toMatchObject({
      state: 'failed',
      error: { code: 'worker_missing', message: 'Worker "doomed" has gone missing.' },
    })
    expect(await lost.created()).toMatchObject([{ state: 'incomplete' }])
    await next.running()
    await next.letGo()
    expect(await next.finished()).toMatchObject({ state: 'completed' })
  })

  test('stays on record where nobody is left who could clean up', async () => {
    await using scene = await openWorkerScene()
    const gate = join(scene.folder, 'gate')
    const { lost, heirs } = await lose(scene, { gate }, async () => {
      await scene.tasking.store.pauseQueue('default')
    })
    const isOrphan = async () => (await lost.load()).state === 'waiting'
    await eventually(isOrphan, { what: 'it to wait for its clean-up' })
    for (const heir of heirs) heir.kill('SIGTERM')
    await Promise.all(heirs.map((heir) => heir.exit))
    expect(await lost.load()).toMatchObject({ state: 'waiting', endsAs: 'failed' })
    // It knows other tasks only.
    await scene.start('--ttl', '5s')
    expect(await lost.finished({ timeout: '40s' })).toMatchObject({ state: 'failed' })
    expect(await lost.created()).toMatchObject([{ state: 'incomplete' }])
  })
})
