import { defineTask } from '@tasking/core'
import type { Store } from '@tasking/core'
import { eventually } from '@tasking/testbed'
import postgres from 'postgres'
import { describe, expect, test } from 'vitest'

import { forwardingStore } from '../forwarding-store.ts'
import type { Meeting } from '../gate.ts'
import { Scene } from '../scene.ts'

const quick = defineTask({ name: 'quick', run: () => 'ran' })
const alone = defineTask({ name: 'alone', resources: { exclusive: ['a'] }, run: () => 'ran' })

function countingBeats(store: Store, beats: Meeting): Store {
  return forwardingStore(store, {
    beat(id) {
      void beats.arrive()
      return store.beat(id)
    },
  })
}

describe('row 24: an auxiliary worker', () => {
  test('runs tasks, and leaves the housekeeping to others', async () => {
    await using scene = await Scene.open()
    const beats = scene.meeting(3)
    const tasking = scene.tasking([quick], { wrap: (store) => countingBeats(store, beats) })
    const { store } = tasking
    const gone = store.newId()
    await store.registerWorker({
      ...{ id: gone, name: 'gone', ttlMs: 1, concurrency: 1, version: '' },
      ...{ queues: ['default'], taskNames: ['quick'] },
    })
    const isKnown = async () => (await store.workers()).some(({ id }) => id === gone)
    const housekeeping = { missing: '100ms' } as const
    await scene.startedWorker(tasking, { auxiliary: true, ttl: '3s', housekeeping })
    expect(await (await tasking.dispatch(quick)).result()).toBe('ran')
    // A second, in which it would have looked for missing workers ten times.
    await beats.complete
    expect(await isKnown()).toBe(true)
    await scene.startedWorker(scene.tasking([quick]), { housekeeping })
    await eventually(async () => !(await isKnown()), { what: 'the housekeeping' })
  })

  test('leaves lost wake-ups to others, too', async () => {
    await using scene = await Scene.open()
    const beats = scene.meeting(3)
    const tasking = scene.tasking([alone], { wrap: (store) => countingBeats(store, beats) })
    const handle = await tasking.dispatch(alone)
    const sql = postgres(scene.url, { max: 1, onnotice: () => undefined })
    // As after a process that has died between its commit and its second look.
    await sql`update tasking.task set unblocked_at = null`
    await sql.end({ timeout: 1 })
    const housekeeping = { missing: '100ms', sweep: '100ms' } as const
    await scene.startedWorker(tasking, { auxiliary: true, ttl: '3s', housekeeping })
    // A second, in which it would have looked at the line ten times.
    await beats.complete
    expect(await handle.load()).toMatchObject({ state: 'waiting', unblockedAt: null })
    await scene.startedWorker(scene.tasking([alone]), { housekeeping })
    expect(await handle.result({ timeout: '20s' })).toBe('ran')
  })

  test('leaves what is due to others, too: delays and schedules', async () => {
    await using scene = await Scene.open()
    const beats = scene.meeting(4)
    const tasking = scene.tasking([quick], { wrap: (store) => countingBeats(store, beats) })
    const delayed = await tasking.dispatch(quick, undefined, { delay: '50ms' })
    await tasking.schedules.set({ name: 'often', task: quick, every: '1s' })
    const housekeeping = { missing: '100ms', schedules: '100ms' } as const
    await scene.startedWorker(tasking, { auxiliary: true, ttl: '3s', housekeeping })
    // Two seconds, in which both are due.
    await beats.complete
    expect(await delayed.load()).toMatchObject({ state: 'scheduled' })
    expect(await tasking.list()).toHaveLength(1)
    await scene.startedWorker(scene.tasking([quick]), { housekeeping })
    expect(await delayed.result()).toBe('ran')
    await eventually(async () => (await tasking.list()).length > 1, { what: 'the schedule' })
  })

  test.each([
    ['auxiliary ones', { auxiliary: true, ttlMs: 60_000 }],
    ['others that are gone', { ttlMs: -1 }],
  ])('counts for nothing there: beside 499 %s a worker looks as often', async (_, others) => {
    await using scene = await Scene.open()
    const tasking = scene.tasking([])
    const { store } = tasking
    const register = (settings: { readonly ttlMs: number; readonly auxiliary?: boolean }) => {
      const rest = { version: '', concurrency: 1, queues: ['default'], taskNames: [] }
      return store.registerWorker({ id: store.newId(), name: 'other', ...rest, ...settings })
    }
    await register({ ttlMs: -1 })
    for (let i = 0; i < 499; i += 1) await register(others)
    const areKnown = async () => (await store.workers()).some(({ alive }) => !alive)
    // One of 500 that share the housekeeping would look once in two minutes on average.
    const housekeeping = { missing: '1s', sweep: '1h' } as const
    await scene.startedWorker(scene.tasking([]), { housekeeping })
    await eventually(async () => !(await areKnown()), { what: 'the first look', timeout: 10_000 })
  })
})
