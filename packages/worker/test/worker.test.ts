import { createTasking, defineTask, MemoryStore, systemClock } from '@tasking/core'
import type { Turn } from '@tasking/core'
import { settled } from '@tasking/core/testing'
import { describe, expect, test } from 'vitest'

import { createWorker } from '../src/index.ts'
import { forwardingStore } from './forwarding-store.ts'
import { frozenClock } from './hand-clock.ts'
import { Scene } from './scene.ts'

const quick = defineTask({ name: 'quick', run: () => 'ran' })

describe.each(['postgres', 'memory'] as const)('a worker on %s', (kind) => {
  test('is registered while it works, and gone when it has stopped', async () => {
    await using scene = await Scene.open(kind)
    const tasking = scene.tasking([quick])
    const options = { name: 'north', version: '1.2', concurrency: 7, queues: ['a', 'b'] }
    const { worker } = await scene.startedWorker(tasking, { ...options, ttl: '45s' })
    expect(worker.name).toBe('north')
    expect(await tasking.store.workers()).toEqual([
      expect.objectContaining({
        ...options,
        id: worker.id,
        ttlMs: 45_000,
        taskNames: ['quick'],
        runningTasks: 0,
      }),
    ])
    await worker.stop()
    expect(await tasking.store.workers()).toEqual([])
  })

  test('waits for its handlers when it is stopped, and claims nothing more', async () => {
    await using scene = await Scene.open(kind)
    const running = scene.meeting(1)
    const gate = scene.gate()
    const job = defineTask({
      name: 'job',
      async run() {
        void running.arrive()
        await gate.opened
        return 'to the end'
      },
    })
    const turns: Turn[] = []
    const tasking = scene.tasking([job, quick], {
      wrap: (store) =>
        forwardingStore(store, { turn: (turn) => (turns.push(turn), store.turn(turn)) }),
    })
    const first = await tasking.dispatch(job)
    // Without polls no turn is under way once the first one is answered.
    const options = { concurrency: 2, clock: frozenClock }
    const { worker, log } = await scene.startedWorker(tasking, options)
    await running.complete
    const stopped = worker.stop()
    turns.length = 0
    const late = await tasking.dispatch(quick)
    gate.open()
    await stopped
    expect(await first.load()).toMatchObject({ state: 'completed', result: 'to the end' })
    expect(await late.load()).toMatchObject({ state: 'waiting', startedAt: null })
    expect(turns.length).toBeGreaterThan(0)
    expect(turns.filter(({ slots }) => slots > 0)).toEqual([])
    expect(log.of('claimed')).toHaveLength(1)
    expect(log.kinds.at(-1)).toBe('stopped')
  })

  test('fails what is left when it must not wait any longer', async () => {
    await using scene = await Scene.open(kind)
    const running = scene.meeting(1)
    const job = defineTask({
      name: 'job',
      async run(_input: undefined, { signal }) {
        void running.arrive()
        await new Promise((abort) => signal.addEventListener('abort', abort))
        signal.throwIfAborted()
      },
    })
    const tasking = scene.tasking([job])
    const { worker } = await scene.startedWorker(tasking)
    const handle = await tasking.dispatch(job)
    await running.complete
    await worker.stop({ abortAfter: '10ms' })
    expect(await handle.load()).toMatchObject({
      state: 'failed',
      error: { code: 'worker_stopping', message: 'Aborted during worker shutdown.' },
    })
  })

  test('keeps the result of a handler that completes although it was aborted', async () => {
    await using scene = await Scene.open(kind)
    const running = scene.meeting(1)
    const job = defineTask({
      name: 'job',
      async run(_input: undefined, { signal }) {
        void running.arrive()
        await new Promise((abort) => signal.addEventListener('abort', abort))
        return 'in the last moment'
      },
    })
    const tasking = scene.tasking([job])
    const { worker } = await scene.startedWorker(tasking)
    const handle = await tasking.dispatch(job)
    await running.complete
    await worker.stop({ abortAfter: 0 })
    expect(await handle.load()).toMatchObject({ state: 'completed', result: 'in the last moment' })
  })

  test('can be told to hurry while it stops', async () => {
    await using scene = await Scene.open(kind)
    const running = scene.meeting(1)
    const job = defineTask({
      name: 'job',
      async run(_input: undefined, { signal }) {
        void running.arrive()
        await new Promise((abort) => signal.addEventListener('abort', abort))
      },
    })
    const tasking = scene.tasking([job])
    const { worker } = await scene.startedWorker(tasking)
    const handle = await tasking.dispatch(job)
    await running.complete
    const patient = worker.stop()
    await Promise.all([patient, worker.stop({ abortAfter: 0 })])
    expect(await handle.load()).toMatchObject({ state: 'completed' })
  })

  test('starts and stops again and again, and leaves nothing behind', async () => {
    await using scene = await Scene.open(kind)
    const tasking = scene.tasking([quick])
    for (let i = 0; i < 50; i += 1) {
      const { worker, log } = await scene.startedWorker(tasking)
      if (i % 10 === 0) await (await tasking.dispatch(quick)).result()
      await worker.stop()
      expect(log.kinds.at(-1)).toBe('stopped')
    }
    expect(await tasking.store.workers()).toEqual([])
    expect(await tasking.list({ states: ['running', 'canceling'] })).toEqual([])
  })
})

describe('a worker', () => {
  test('starts once, however often it is told to', async () => {
    await using scene = await Scene.open('memory')
    const tasking = scene.tasking([quick])
    const { worker, log } = scene.worker(tasking)
    expect(await Promise.all([worker.start(), worker.start()])).toEqual([worker, worker])
    expect(log.of('started')).toHaveLength(1)
    expect(await tasking.store.workers()).toHaveLength(1)
  })

  test('stops once, however often it is told to', async () => {
    await using scene = await Scene.open('memory')
    const { worker, log } = await scene.startedWorker(scene.tasking([quick]))
    await Promise.all([worker.stop(), worker.stop()])
    await worker.stop()
    await worker.ended
    expect(log.of('stopped')).toHaveLength(1)
  })

  test('can be stopped without having been started', async () => {
    await using scene = await Scene.open('memory')
    const { worker, log } = scene.worker(scene.tasking([quick]))
    await worker.stop()
    await worker.ended
    expect(log.kinds).toEqual(['stopped'])
  })

  test('does not start any more once it was stopped', async () => {
    await using scene = await Scene.open('memory')
    const tasking = scene.tasking([quick])
    const { worker, log } = scene.worker(tasking)
    await worker.stop()
    await worker.start()
    expect(log.of('started')).toEqual([])
    expect(await tasking.store.workers()).toEqual([])
  })

  test('is stopped as a disposable', async () => {
    await using tasking = createTasking({ store: new MemoryStore(), tasks: [quick] })
    {
      await using _worker = await createWorker({ tasking }).start()
      expect(await tasking.store.workers()).toHaveLength(1)
    }
    expect(await tasking.store.workers()).toEqual([])
  })

  test('says at once what waiting would not heal', async () => {
    const refusal = new Error('There is no schema.')
    const store = forwardingStore(new MemoryStore(), { check: () => Promise.reject(refusal) })
    const worker = createWorker({ tasking: createTasking({ store, tasks: [quick] }) })
    await expect(worker.start()).rejects.toBe(refusal)
    await expect(worker.ended).rejects.toBe(refusal)
    await worker.stop()
  })

  test('ends its subscription to the signals', async () => {
    const store = new MemoryStore()
    let subscribed = 0
    const signals = {
      subscribe: async () => {
        subscribed += 1
        return async () => void (subscribed -= 1)
      },
    }
    const tasking = createTasking({ store: forwardingStore(store, { signals }), tasks: [quick] })
    const worker = await createWorker({ tasking }).start()
    expect(subscribed).toBe(1)
    await worker.stop()
    expect(subscribed).toBe(0)
  })

  test('runs its tasks, and stops, although whoever it tells of them throws', async () => {
    const store = new MemoryStore()
    const tasking = createTasking({ store, tasks: [quick] })
    const onEvent = () => {
      throw new Error('the listener is broken')
    }
    const worker = createWorker({ tasking, onEvent })
    const handle = await tasking.dispatch(quick)
    await worker.start()
    const task = await handle.finished({ timeout: '20s' })
    expect(task).toMatchObject({ state: 'completed', result: 'ran' })
    await worker.stop()
    expect(await store.workers()).toEqual([])
  })

  test.each([
    ['does housekeeping', false],
    ['leaves it to others as an auxiliary one', true],
  ])('%s', async (_, auxiliary) => {
    await using scene = await Scene.open('memory')
    let housekept = 0
    const first = scene.meeting(1)
    const tasking = scene.tasking([quick], {
      wrap: (store) =>
        forwardingStore(store, {
          housekeep() {
            housekept += 1
            void first.arrive()
            return store.housekeep()
          },
        }),
    })
    let pauses = 0
    const asleep = scene.meeting(1)
    // Sleeps end at once; after some heartbeats and polls there would have been housekeeping.
    const sleep = () => {
      pauses += 1
      if (pauses > 50) void asleep.arrive()
      return settled()
    }
    const clock = { ...systemClock, sleep }
    await scene.startedWorker(tasking, { auxiliary, clock })
    await (auxiliary ? asleep.complete : first.complete)
    expect(housekept > 0).toBe(!auxiliary)
  })

  test('tells a handler that its claim raced with an impatient stop', async () => {
    await using scene = await Scene.open('memory')
    const job = defineTask({
      name: 'job',
      async run(_input: undefined, { signal }) {
        if (!signal.aborted) await new Promise((abort) => signal.addEventListener('abort', abort))
        signal.throwIfAborted()
      },
    })
    const asked = scene.meeting(1)
    const answer = scene.gate()
    const tasking = scene.tasking([job], {
      wrap: (store) =>
        forwardingStore(store, {
          async turn(turn) {
            const result = await store.turn(turn)
            void asked.arrive()
            await answer.opened
            return result
          },
        }),
    })
    const handle = await tasking.dispatch(job)
    const clock = { ...systemClock, sleep: async () => settled() }
    const { worker, log } = await scene.startedWorker(tasking, { clock, auxiliary: true })
    await asked.complete
    const stopped = worker.stop({ abortAfter: 0 }).then(() => 'stopped')
    await settled()
    await settled()
    answer.open()
    await log.next('claimed')
    for (let i = 0; i < 20; i += 1) await settled()
    expect(await Promise.race([stopped, settled().then(() => 'waits for ever')])).toBe('stopped')
    expect(await handle.load()).toMatchObject({ error: { code: 'worker_stopping' } })
  })
})
