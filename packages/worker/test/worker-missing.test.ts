import { defineTask, StoreUnavailableError, WorkerMissingError } from '@tasking/core'
import type { Store } from '@tasking/core'
import { settled } from '@tasking/core/testing'
import { spawnNode } from '@tasking/testbed'
import { afterEach, describe, expect, test, vi } from 'vitest'

import { forwardingStore } from './forwarding-store.ts'
import { handClock } from './hand-clock.ts'
import { Scene } from './scene.ts'

afterEach(() => void vi.restoreAllMocks())

/** A handler that tells why it was aborted. */
function watching(scene: Scene) {
  const running = scene.meeting(1)
  const over = scene.gate()
  const reasons: unknown[] = []
  const definition = defineTask({
    name: 'watching',
    async run(_input: undefined, { signal }) {
      signal.addEventListener('abort', () => reasons.push(signal.reason))
      void running.arrive()
      await over.opened
    },
  })
  return { definition, reasons, running: running.complete }
}

describe('a process that is killed', () => {
  test('loses its task, and its resources go to the next one', async () => {
    await using scene = await Scene.open()
    const resources = { exclusive: ['a'] }
    // The first task's definition is in the fixture.
    const hold = defineTask({ name: 'hold', resources, run: () => undefined })
    const next = defineTask({ name: 'next', resources, run: () => 'ran' })
    const tasking = scene.tasking([next])
    const lost = await tasking.dispatch(hold)
    const waiting = await tasking.dispatch(next)
    await using doomed = spawnNode(new URL('fixtures/holder.ts', import.meta.url), [scene.url])
    await doomed.waitForLine(/^holding$/)
    doomed.kill('SIGKILL')
    await doomed.exit
    const { worker } = await scene.startedWorker(tasking)
    expect(await waiting.finished()).toMatchObject({ state: 'completed', workerId: worker.id })
    expect(await lost.load()).toMatchObject({
      state: 'failed',
      error: {
        name: 'WorkerMissingError',
        code: 'worker_missing',
        message: 'Worker "holder" has gone missing.',
      },
    })
    expect((await tasking.store.workers()).map(({ id }) => id)).toEqual([worker.id])
  })
})

describe('a worker that is cut off from the database', () => {
  test('aborts its handler before another worker takes its resources', async () => {
    await using scene = await Scene.open()
    const resources = { exclusive: ['a'] }
    const told: string[] = []
    const running = scene.meeting(1)
    const over = scene.gate()
    const hold = defineTask({
      name: 'hold',
      resources,
      async run(_input: undefined, { signal }) {
        signal.addEventListener('abort', () => told.push('aborted'))
        void running.arrive()
        await over.opened
      },
    })
    const next = defineTask({ name: 'next', resources, run: () => void told.push('next') })
    let cut = false
    const orHang = <T>(verb: () => Promise<T>) =>
      cut ? over.opened.then(() => Promise.reject(new Error('too late'))) : verb()
    const tasking = scene.tasking([hold], {
      wrap: (store) =>
        forwardingStore(store, {
          beat: (id) => orHang(() => store.beat(id)),
          turn: (turn) => orHang(() => store.turn(turn)),
          housekeep: () => orHang(() => store.housekeep()),
        }),
    })
    const lost = await tasking.dispatch(hold)
    const waiting = await tasking.dispatch(next)
    const { worker } = await scene.startedWorker(tasking, { ttl: '1s' })
    const ended = worker.ended.catch((error: unknown) => error)
    await running.complete
    cut = true
    await scene.startedWorker(scene.tasking([next]))
    await waiting.result()
    expect(told).toEqual(['aborted', 'next'])
    expect(await lost.load()).toMatchObject({ error: { code: 'worker_missing' } })
    expect(await ended).toBeInstanceOf(WorkerMissingError)
  })
})

describe.each([
  ['fail', false],
  ['hang', true],
])('a worker whose heartbeats %s', (_, hang) => {
  /** A worker with a running task, which is cut off from its store for good. */
  async function setUp(scene: Scene, verbs: readonly ('beat' | 'turn' | 'housekeep')[]) {
    let cut = false
    const theEnd = scene.gate()
    const cutOff = async (): Promise<never> => {
      if (hang) await theEnd.opened
      throw new StoreUnavailableError('nowhere', 'cut off')
    }
    const wrap = (store: Store) =>
      forwardingStore(
        store,
        Object.fromEntries(
          verbs.map((verb) => [
            verb,
            (argument: never) => (cut ? cutOff() : store[verb](argument)),
          ]),
        ),
      )
    const { definition, reasons, running } = watching(scene)
    const tasking = scene.tasking([definition], { wrap })
    const clock = handClock()
    await tasking.dispatch(definition)
    const { worker, log } = await scene.startedWorker(tasking, { clock, ttl: '3s' })
    await running
    cut = true
    return { worker, log, clock, reasons }
  }

  test.each<[string, ('beat' | 'turn' | 'housekeep')[]]>([
    ['alone', ['beat']],
    ['like everything else', ['beat', 'turn', 'housekeep']],
  ])('%s gives itself up in time', async (__, verbs) => {
    await using scene = await Scene.open('memory')
    const { worker, log, clock, reasons } = await setUp(scene, verbs)
    const ended = worker.ended.catch((error: unknown) => error)
    for (let i = 0; i < 30 && !log.kinds.includes('missing'); i += 1) await clock.advance(100)
    expect(clock.elapsed).toBeLessThan(3_000)
    expect(log.of('missing')).toHaveLength(1)
    expect(reasons).toEqual([expect.objectContaining({ code: 'worker_missing' })])
    await settled()
    const error = await Promise.race([ended, settled().then(() => 'has not ended')])
    expect(error).toBeInstanceOf(WorkerMissingError)
    expect(log.kinds.at(-1)).toBe('stopped')
  })
})

describe('a worker that has been declared missing', () => {
  /** As if others had not heard of it for longer than its TTL. */
  async function setUp(scene: Scene, verbs: (store: Store) => Partial<Store> = () => ({})) {
    const { definition, reasons, running } = watching(scene)
    const quick = defineTask({ name: 'quick', run: () => 1 })
    const wrap = (store: Store) => forwardingStore(store, verbs(store))
    const tasking = scene.tasking([definition, quick], { wrap })
    const handle = await tasking.dispatch(definition)
    const clock = handClock()
    const { worker, log } = await scene.startedWorker(tasking, { clock, concurrency: 2 })
    await running
    const ended = worker.ended.then(
      () => 'as if all was well',
      (error: unknown) => error,
    )
    return { tasking, quick, handle, clock, worker, ended, log, reasons }
  }

  test('gives itself up when a heartbeat tells it so', async () => {
    await using scene = await Scene.open('memory')
    let gone = false
    const { clock, ended, log, reasons } = await setUp(scene, (store) => ({
      beat: async (id) => ({ ...(await store.beat(id)), alive: !gone }),
    }))
    gone = true
    await clock.advance(10_000)
    expect(await ended).toBeInstanceOf(WorkerMissingError)
    expect(log.of('missing')).toHaveLength(1)
    expect(reasons).toEqual([expect.objectContaining({ code: 'worker_missing' })])
  })

  test('gives itself up when a turn tells it so', async () => {
    await using scene = await Scene.open('memory')
    const { tasking, quick, worker, ended, log, reasons } = await setUp(scene)
    await tasking.store.unregisterWorker(worker.id)
    // The clock stands still: the wake-up makes it ask.
    await tasking.dispatch(quick)
    expect(await ended).toBeInstanceOf(WorkerMissingError)
    expect(log.of('missing')).toHaveLength(1)
    expect(reasons).toEqual([expect.objectContaining({ code: 'worker_missing' })])
  })

  test('claims nothing more, and cannot change the end of its task', async () => {
    await using scene = await Scene.open('memory')
    const { tasking, quick, handle, worker, ended } = await setUp(scene)
    await tasking.store.unregisterWorker(worker.id)
    const late = await tasking.dispatch(quick)
    await ended
    expect(await late.load()).toMatchObject({ state: 'waiting' })
    expect(await handle.load()).toMatchObject({ state: 'failed' })
  })
})

describe('a worker that is missing from the start', () => {
  test('gives itself up, and leaves no subscription behind', async () => {
    await using scene = await Scene.open('memory')
    let subscribed = 0
    const { definition } = watching(scene)
    const tasking = scene.tasking([definition], {
      wrap: (store) =>
        forwardingStore(store, {
          beat: async (id) => ({ ...(await store.beat(id)), alive: false }),
          signals: {
            async subscribe() {
              subscribed += 1
              return async () => void (subscribed -= 1)
            },
          },
        }),
    })
    const { worker, log } = scene.worker(tasking, { clock: handClock() })
    const ended = worker.ended.catch((error: unknown) => error)
    await worker.start().catch(() => undefined)
    expect(await ended).toBeInstanceOf(WorkerMissingError)
    await settled()
    expect(log.of('missing')).toHaveLength(1)
    expect(subscribed).toBe(0)
  })
})
