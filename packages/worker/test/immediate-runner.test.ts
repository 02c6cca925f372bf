import { createTasking, defineTask, MemoryStore, StoreUnavailableError } from '@tasking/core'
import { settled } from '@tasking/core/testing'
import { eventually } from '@tasking/testbed'
import { describe, expect, test } from 'vitest'

import { immediateRunner } from '../src/index.ts'
import { forwardingStore } from './forwarding-store.ts'
import { Scene } from './scene.ts'

const quick = defineTask({ name: 'quick', immediate: true, run: async () => 'ran' })

describe('the lifecycle of a tasking', () => {
  test('start and stop may be repeated, in any order', async () => {
    await using scene = await Scene.open()
    const tasking = scene.tasking([quick], { immediate: immediateRunner() })
    const workers = async () => (await tasking.store.workers()).length
    await tasking.stop()
    for (let i = 0; i < 5; i += 1) {
      await Promise.all([tasking.start(), tasking.start()])
      expect(await workers()).toBe(1)
      expect(await (await tasking.dispatch(quick)).load()).toMatchObject({ state: 'completed' })
      await Promise.all([tasking.stop(), tasking.stop()])
      expect(await workers()).toBe(0)
    }
  })

  test('closing stops it', async () => {
    const store = new MemoryStore()
    {
      const options = { store, tasks: [quick], immediate: immediateRunner() }
      await using tasking = await createTasking(options).start()
      expect(await tasking.store.workers()).toHaveLength(1)
    }
    expect(await store.workers()).toEqual([])
  })

  test('a stop waits for what runs', async () => {
    await using scene = await Scene.open('memory')
    const [running, over] = [scene.meeting(1), scene.gate()]
    const slow = defineTask({
      name: 'slow',
      immediate: true,
      async run() {
        void running.arrive()
        await over.opened
      },
    })
    const tasking = scene.tasking([slow], { immediate: immediateRunner() })
    await tasking.start()
    const dispatched = tasking.dispatch(slow)
    await running.complete
    let stopped = false
    const stop = tasking.stop().then(() => (stopped = true))
    await settled()
    expect(stopped).toBe(false)
    over.open()
    await stop
    expect(await (await dispatched).load()).toMatchObject({ state: 'completed' })
  })

  test('without a runner it can not be started', async () => {
    await using scene = await Scene.open('memory')
    await expect(scene.tasking([]).start()).rejects.toMatchObject({
      ...{ code: 'invalid_option', option: 'immediate' },
    })
  })
})

describe('a dispatcher', () => {
  test('leaves to workers what requires versions that it has not', async () => {
    await using scene = await Scene.open()
    const immediate = immediateRunner({ versions: { codec: '2.1' } })
    const tasking = scene.tasking([quick], { immediate })
    await tasking.start()
    const dispatched = async (codec: string) =>
      (await tasking.dispatch(quick, undefined, { requires: { codec } })).load()
    expect(await dispatched('2')).toMatchObject({ state: 'completed' })
    expect(await dispatched('3')).toMatchObject({ state: 'waiting' })
  })

  test('that can not beat in time aborts its handlers, and begins anew', async () => {
    await using scene = await Scene.open()
    const running = scene.meeting(1)
    const reasons: unknown[] = []
    const watching = defineTask({
      ...{ name: 'watching', immediate: true, timeout: '1h' },
      async run(_input: undefined, { signal }) {
        void running.arrive()
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
        reasons.push(signal.reason)
      },
    })
    let cut = false
    const tasking = scene.tasking([watching, quick], {
      immediate: immediateRunner({ ttl: '1s' }),
      wrap: (store) =>
        forwardingStore(store, {
          beat: (id) =>
            cut ? Promise.reject(new StoreUnavailableError('here', 'cut off')) : store.beat(id),
        }),
    })
    await tasking.start()
    const [before] = await tasking.store.workers()
    const dispatched = tasking.dispatch(watching)
    await running.complete
    cut = true
    const lost = await dispatched
    expect(reasons).toMatchObject([{ code: 'worker_missing' }])
    cut = false
    await scene.startedWorker(scene.tasking([]), { housekeeping: { missing: '100ms' } })
    expect(await lost.finished({ timeout: '10s' })).toMatchObject({
      ...{ state: 'failed', error: { code: 'worker_missing' }, workerId: before?.id },
    })
    await eventually(
      async () => {
        const { state, workerId } = await (await tasking.dispatch(quick)).load()
        return state === 'completed' && workerId !== before?.id
      },
      { what: 'a new dispatcher' },
    )
  })

  test('runs once what a dispatch has made whose answer was lost', async () => {
    await using scene = await Scene.open()
    let runs = 0
    const counted = defineTask({
      name: 'counted',
      immediate: true,
      run: async () => void (runs += 1),
    })
    const tasking = scene.tasking([counted], {
      immediate: immediateRunner({ ttl: '3s' }),
      wrap: (store) =>
        forwardingStore(store, {
          async dispatch(tasks, target) {
            await store.dispatch(tasks, target)
            throw new StoreUnavailableError('here', 'the answer was lost')
          },
        }),
    })
    await tasking.start()
    await expect(tasking.dispatch(counted)).rejects.toThrow(StoreUnavailableError)
    const [task] = await tasking.list()
    const ended = await tasking.task(task?.id ?? '').finished({ timeout: '20s' })
    expect([ended.state, runs]).toEqual(['completed', 1])
  })

  test('does not take a dispatch under way for one whose answer was lost', async () => {
    await using scene = await Scene.open()
    const [committed, answer, asked] = [scene.meeting(1), scene.gate(), scene.meeting(3)]
    let runs = 0
    const counted = defineTask({
      name: 'counted',
      immediate: true,
      run: async () => void (runs += 1),
    })
    const tasking = scene.tasking([counted], {
      immediate: immediateRunner({ ttl: '3s' }),
      wrap: (store) =>
        forwardingStore(store, {
          async dispatch(tasks, target) {
            const dispatched = await store.dispatch(tasks, target)
            void committed.arrive()
            await answer.opened
            return dispatched
          },
          beat(id) {
            void asked.arrive()
            return store.beat(id)
          },
        }),
    })
    await tasking.start()
    const dispatched = tasking.dispatch(counted)
    await committed.complete
    // Beats that say how many tasks it owns.
    await asked.complete
    answer.open()
    expect(await (await dispatched).load()).toMatchObject({ state: 'completed' })
    expect(runs).toBe(1)
  })
})
