import { defineTask } from '@tasking/core'
import type { Tasking } from '@tasking/core'
import { describe, expect, test } from 'vitest'
import { Scene } from '../scene.ts'

const order: string[] = []
const member = defineTask({
  name: 'member',
  async run({ name, fails = false }: { name: string; fails?: boolean }, { dispatch, task }) {
    if (name === 'late joiner')
      await dispatch(member, { name: 'child' }, { group: task.groupId ?? '' })
    order.push(name)
    if (fails) throw new Error('no luck')
  },
})
const finalizer = defineTask({
  name: 'finalizer',
  resources: { exclusive: ['report'] },
  run(text: string) {
    order.push(text)
    return [...order]
  },
})
const endless = defineTask({
  name: 'endless',
  run: (_input: undefined, { signal }) =>
    new Promise((_resolve, reject) =>
      signal.addEventListener('abort', () => reject(signal.reason)),
    ),
})

async function open(scene: Scene): Promise<Tasking> {
  order.length = 0
  return scene.tasking([member, finalizer, endless])
}

describe('row 14: a group of tasks', () => {
  test('has a finalizer that starts after all siblings have ended, on several workers', async () => {
    await using scene = await Scene.open()
    const tasking = await open(scene)
    const group = await tasking.createGroup({ description: 'nightly' })
    for (const name of ['a', 'b', 'c']) await group.dispatch(member, { name, fails: name === 'b' })
    const last = await group.finish(finalizer, 'last')
    expect(last.outcome).toBe('blocked')
    expect(await group.counts()).toMatchObject({ waiting: 4 })
    await scene.startedWorker(tasking, { concurrency: 2 })
    await scene.startedWorker(scene.tasking([member, finalizer]), { concurrency: 2 })
    expect((await last.result()).toSorted()).toEqual(['a', 'b', 'c', 'last'])
    expect(order.at(-1)).toBe('last')
    expect(await group.wait()).toMatchObject({ completed: 3, failed: 1 })
    expect(await group.load()).toMatchObject({ finalizerId: last.id, description: 'nightly' })
  })

  test('has as its last a task that needs alone what the others share', async () => {
    await using scene = await Scene.open()
    const gate = scene.gate()
    const sharing = { shared: ['repository'] }
    const sibling = defineTask({ name: 'sibling', resources: sharing, run: () => gate.opened })
    const publish = defineTask({
      name: 'publish',
      resources: { exclusive: ['repository'] },
      run: () => undefined,
    })
    const tasking = scene.tasking([sibling, publish])
    const group = await tasking.createGroup()
    const siblings = [await group.dispatch(sibling), await group.dispatch(sibling)]
    const last = await group.dispatch(publish)
    expect(last.outcome).toBe('blocked')
    const { log } = await scene.startedWorker(tasking, { concurrency: 4 })
    for (const { id } of siblings) await log.next('claimed', { taskId: id })
    expect(await group.counts()).toMatchObject({ running: 2, waiting: 1 })
    gate.open()
    const ends = await Promise.all(siblings.map((one) => one.finished()))
    const { unblockedAt, state } = await last.finished()
    expect(state).toBe('completed')
    const times = ends.map(({ finishedAt }) => finishedAt?.getTime() ?? NaN)
    expect(unblockedAt?.getTime()).toBeGreaterThanOrEqual(Math.max(...times))
  })

  test('is waited for, and grows until all is dispatched', async () => {
    await using scene = await Scene.open()
    const tasking = await open(scene)
    const group = await tasking.createGroup()
    await group.dispatch(member, { name: 'late joiner' })
    await expect(group.wait({ timeout: 50 })).rejects.toMatchObject({ code: 'group_timeout' })
    await scene.startedWorker(tasking, { concurrency: 2 })
    expect(await group.wait({ timeout: '10s' })).toMatchObject({ completed: 2, waiting: 0 })
    expect(order.toSorted()).toEqual(['child', 'late joiner'])
    expect((await group.close()).closedAt).toBeInstanceOf(Date)
    const late = tasking.dispatch(member, { name: 'late' }, { group })
    await expect(late).rejects.toMatchObject({ code: 'group_closed', groupId: group.id })
  })

  test('is canceled as a whole, running and waiting, from any process', async () => {
    await using scene = await Scene.open()
    const tasking = await open(scene)
    const group = await tasking.createGroup()
    const running = await group.dispatch(endless)
    await group.dispatch(endless)
    await group.finish(finalizer, 'last')
    const { log } = await scene.startedWorker(tasking, { concurrency: 1 })
    await log.next('claimed', { taskId: running.id })
    const elsewhere = scene.tasking([]).group(group.id)
    expect(await elsewhere.cancel('enough')).toEqual({ canceled: 2, canceling: 1 })
    expect(await group.wait({ timeout: '10s' })).toMatchObject({ canceled: 3, running: 0 })
    expect(await running.load()).toMatchObject({ state: 'canceled', cancelReason: 'enough' })
    expect(order).toEqual([])
  })
})
