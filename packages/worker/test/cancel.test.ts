import { defineTask } from '@tasking/core'
import { describe, expect, test } from 'vitest'

import { TaskAbort } from '../src/index.ts'
import type { Scene as OpenScene, StoreKind } from './scene.ts'
import { Scene } from './scene.ts'

/** A task that runs until its signal aborts, and then does as told. */
function untilAborted(scene: OpenScene, then: (signal: AbortSignal) => unknown) {
  const running = scene.meeting(1)
  const over = scene.gate()
  const definition = defineTask({
    name: 'until aborted',
    resources: { exclusive: ['a'] },
    async run(_input: undefined, { signal }) {
      void running.arrive()
      await Promise.race([
        over.opened,
        new Promise((abort) => signal.addEventListener('abort', abort)),
      ])
      return then(signal)
    },
  })
  return { definition, running: running.complete }
}

const kinds: readonly StoreKind[] = ['postgres', 'memory']

describe.each(kinds)('a cancel on %s', (kind) => {
  test('of a waiting task takes effect at once', async () => {
    await using scene = await Scene.open(kind)
    const job = defineTask({ name: 'job', run: () => 1 })
    const tasking = scene.tasking([job])
    const handle = await tasking.dispatch(job)
    const task = await handle.cancel('superseded')
    expect(task).toMatchObject({
      state: 'canceled',
      cancelReason: 'superseded',
      startedAt: null,
      finishedAt: expect.any(Date),
      result: null,
      error: null,
    })
    const { log } = await scene.startedWorker(tasking)
    await log.next('idle')
    expect(await handle.load()).toEqual(task)
  })

  test('of a waiting task lets those behind it go', async () => {
    await using scene = await Scene.open(kind)
    const resources = { exclusive: ['a'] }
    // Nobody here can run it.
    const ahead = defineTask({ name: 'ahead', resources, run: () => 1 })
    const behind = defineTask({ name: 'behind', resources, run: () => 'ran' })
    const tasking = scene.tasking([behind])
    const first = await tasking.dispatch(ahead)
    const second = await tasking.dispatch(behind)
    await scene.startedWorker(tasking)
    expect(await second.load()).toMatchObject({ state: 'waiting', unblockedAt: null })
    await first.cancel()
    expect(await second.result()).toBe('ran')
  })

  test("aborts a running handler's signal, with the reason", async () => {
    await using scene = await Scene.open(kind)
    const reasons: unknown[] = []
    // What the cancel answers is read after its commit: the task may have ended by then.
    let goOn: () => void = () => undefined
    const answered = new Promise<void>((resolve) => (goOn = resolve))
    const { definition, running } = untilAborted(scene, async (signal) => {
      reasons.push(signal.reason)
      await answered
      signal.throwIfAborted()
    })
    const tasking = scene.tasking([definition])
    await scene.startedWorker(tasking)
    const handle = await tasking.dispatch(definition)
    await running
    expect(await handle.cancel('superseded')).toMatchObject({ state: 'canceling' })
    goOn()
    expect(await handle.finished()).toMatchObject({
      state: 'canceled',
      cancelReason: 'superseded',
      result: null,
      error: null,
    })
    expect(reasons).toEqual([expect.any(TaskAbort)])
    expect(reasons[0]).toMatchObject({ code: 'task_canceled', message: 'superseded' })
  })

  test.each<[string, () => unknown]>([
    ['completes anyway', () => 'done'],
    ['fails in its own way', () => Promise.reject(new Error('torn down'))],
  ])('ends a task as canceled whose handler %s', async (_, then) => {
    await using scene = await Scene.open(kind)
    const { definition, running } = untilAborted(scene, then)
    const tasking = scene.tasking([definition])
    await scene.startedWorker(tasking)
    const handle = await tasking.dispatch(definition)
    await running
    await handle.cancel()
    expect(await handle.finished()).toMatchObject({ state: 'canceled', result: null })
  })

  test('leaves the resources with the handler until it has ended', async () => {
    await using scene = await Scene.open(kind)
    const told: string[] = []
    const aborted = scene.meeting(1)
    const gate = scene.gate()
    const { definition, running } = untilAborted(scene, async () => {
      void aborted.arrive()
      await gate.opened
      told.push('the canceled one ends')
    })
    const next = defineTask({
      name: 'next',
      resources: { exclusive: ['a'] },
      run: () => void told.push('the next one starts'),
    })
    const free = defineTask({ name: 'free', run: () => 1 })
    const tasking = scene.tasking([definition, next, free])
    await scene.startedWorker(tasking, { concurrency: 3 })
    const first = await tasking.dispatch(definition)
    const second = await tasking.dispatch(next)
    await running
    await first.cancel()
    await aborted.complete
    // A whole turn goes by in which the next one could be claimed.
    await (await tasking.dispatch(free)).result()
    expect(await second.load()).toMatchObject({ state: 'waiting', unblockedAt: null })
    gate.open()
    await second.result()
    expect(told).toEqual(['the canceled one ends', 'the next one starts'])
  })

  test('is for one task only', async () => {
    await using scene = await Scene.open(kind)
    const both = scene.meeting(2)
    const gate = scene.gate()
    const aborted: string[] = []
    const job = defineTask({
      name: 'job',
      async run(name: string, { signal }) {
        void both.arrive()
        signal.addEventListener('abort', () => aborted.push(name))
        await Promise.race([
          gate.opened,
          new Promise((abort) => signal.addEventListener('abort', abort)),
        ])
      },
    })
    const tasking = scene.tasking([job])
    await scene.startedWorker(tasking, { concurrency: 2 })
    const canceled = await tasking.dispatch(job, 'canceled')
    const spared = await tasking.dispatch(job, 'spared')
    await both.complete
    await canceled.cancel()
    await canceled.finished()
    gate.open()
    expect(await spared.finished()).toMatchObject({ state: 'completed' })
    expect(aborted).toEqual(['canceled'])
  })
})

describe('a cancel by another process', () => {
  test.each([
    ['with wake-ups', true],
    ['by polling alone', false],
  ])('reaches the handler %s', async (_, listen) => {
    await using scene = await Scene.open()
    const { definition, running } = untilAborted(scene, (signal) => signal.throwIfAborted())
    await scene.startedWorker(scene.tasking([definition], { listen }))
    const elsewhere = scene.tasking([], { listen })
    const handle = await elsewhere.dispatch(definition)
    await running
    await elsewhere.cancel(handle.id, 'superseded')
    expect(await handle.finished()).toMatchObject({ state: 'canceled' })
  })
})
