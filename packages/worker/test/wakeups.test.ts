import { createTasking, defineTask, MemoryStore } from '@tasking/core'
import type { Signal } from '@tasking/core'
import { settled } from '@tasking/core/testing'
import { pooled } from '@tasking/testbed'
import { beforeEach, describe, expect, test } from 'vitest'

import { createWorker } from '../src/index.ts'
import { EventLog } from './event-log.ts'
import { forwardingStore } from './forwarding-store.ts'
import { frozenClock } from './hand-clock.ts'
import { Scene } from './scene.ts'

const quick = defineTask({ name: 'quick', run: () => 'ran' })

// With a clock that stands still no worker ever polls: what happens is the wake-up's work.
describe('an idle worker that never polls', () => {
  beforeEach(({ skip }) => skip(pooled, 'signals need LISTEN, on a direct connection'))

  test('starts a task that another process dispatches', async () => {
    await using scene = await Scene.open()
    const { log } = await scene.startedWorker(scene.tasking([quick]), { clock: frozenClock })
    await log.next('idle')
    const handle = await scene.tasking([]).dispatch(quick)
    await log.next('finished', { taskId: handle.id })
    expect(await handle.result()).toBe('ran')
  })

  test('starts one after the other', async () => {
    await using scene = await Scene.open()
    const { log } = await scene.startedWorker(scene.tasking([quick]), { clock: frozenClock })
    const elsewhere = scene.tasking([])
    for (let i = 0; i < 5; i += 1) {
      await log.next('idle', { from: log.events.length - 1 })
      const from = log.events.length
      const { id } = await elsewhere.dispatch(quick)
      await log.next('finished', { taskId: id, from })
    }
    expect(log.of('finished')).toHaveLength(5)
  })

  test('starts a task that the end of another one has freed', async () => {
    await using scene = await Scene.open()
    const resources = { exclusive: ['a'] }
    const gate = scene.gate()
    const running = scene.meeting(1)
    const first = defineTask({
      name: 'first',
      resources,
      async run() {
        void running.arrive()
        await gate.opened
      },
    })
    const second = defineTask({ name: 'second', resources, run: () => 'ran' })
    const tasking = scene.tasking([first])
    await tasking.dispatch(first)
    const handle = await tasking.dispatch(second)
    await scene.startedWorker(tasking, { clock: frozenClock })
    await running.complete
    const other = await scene.startedWorker(scene.tasking([second]), { clock: frozenClock })
    await other.log.next('idle')
    gate.open()
    expect(await handle.result()).toBe('ran')
  })

  test('aborts a handler whose task another process cancels', async () => {
    await using scene = await Scene.open()
    const running = scene.meeting(1)
    const job = defineTask({
      name: 'job',
      async run(_input: undefined, { signal }) {
        void running.arrive()
        await new Promise((abort) => signal.addEventListener('abort', abort))
      },
    })
    const tasking = scene.tasking([job])
    const handle = await tasking.dispatch(job)
    await scene.startedWorker(tasking, { clock: frozenClock })
    await running.complete
    await scene.tasking([]).cancel(handle.id)
    expect(await handle.finished()).toMatchObject({ state: 'canceled' })
  })
})

describe('a worker without wake-ups', () => {
  test('finds by polling what is dispatched while it is idle', async () => {
    await using scene = await Scene.open()
    const tasking = scene.tasking([quick], { listen: false })
    const { log } = await scene.startedWorker(tasking, { pollInterval: '20ms' })
    await log.next('idle')
    expect(tasking.store.signals).toBeUndefined()
    expect(await (await tasking.dispatch(quick)).result()).toBe('ran')
  })
})

describe('a wake-up', () => {
  /** A worker in memory that never polls, its signals given by hand, its turns noted. */
  async function setUp(queues: readonly string[] = ['default']) {
    const store = new MemoryStore()
    const listeners: { onSignal(signal: Signal): void; onConnection(connected: boolean): void }[] =
      []
    let turns = 0
    let answer: Promise<unknown> = Promise.resolve()
    const tasking = createTasking({
      tasks: [quick],
      store: forwardingStore(store, {
        signals: {
          async subscribe(onSignal, onConnection) {
            listeners.push({ onSignal, onConnection })
            return async () => undefined
          },
        },
        async turn(turn) {
          turns += 1
          const result = await store.turn(turn)
          await answer
          return result
        },
      }),
    })
    const log = new EventLog()
    const worker = createWorker({ tasking, queues, clock: frozenClock, onEvent: log.note })
    await worker.start()
    await settled()
    return {
      tasking,
      log,
      worker,
      signal: (signal: Signal) => listeners[0]?.onSignal(signal),
      reconnect: () => {
        listeners[0]?.onConnection(false)
        listeners[0]?.onConnection(true)
      },
      holdAnswers: (until: Promise<unknown>) => void (answer = until),
      turnsOf: async (act: () => unknown) => {
        const before = turns
        await act()
        await settled()
        return turns - before
      },
      [Symbol.asyncDispose]: () => worker.stop(),
    }
  }

  test('for its queue, or for any, makes a worker ask', async () => {
    await using scene = await setUp(['mine'])
    const { signal, turnsOf } = scene
    expect(await turnsOf(() => signal({ kind: 'wakeup', queue: 'mine' }))).toBe(1)
    expect(await turnsOf(() => signal({ kind: 'wakeup', queue: null }))).toBe(1)
  })

  test('for another queue does not', async () => {
    await using scene = await setUp(['mine'])
    const { signal, turnsOf } = scene
    expect(await turnsOf(() => signal({ kind: 'wakeup', queue: 'theirs' }))).toBe(0)
  })

  test('that may have been lost makes a worker ask', async () => {
    await using scene = await setUp()
    expect(await scene.turnsOf(scene.reconnect)).toBe(1)
  })

  test('for the cancel of a task that is not its own does not', async () => {
    await using scene = await setUp()
    const { signal, turnsOf } = scene
    expect(await turnsOf(() => signal({ kind: 'cancel', taskId: crypto.randomUUID() }))).toBe(0)
  })

  // The turn has looked before the dispatch; its answer, which says so, comes after the wake-up.
  test('that comes while a turn is under way is not forgotten', async () => {
    await using scene = await setUp()
    const { tasking, log, signal, turnsOf, holdAnswers } = scene
    let release: () => void = () => undefined
    holdAnswers(new Promise<void>((resolve) => (release = resolve)))
    expect(await turnsOf(() => signal({ kind: 'wakeup', queue: null }))).toBe(1)
    await tasking.dispatch(quick)
    signal({ kind: 'wakeup', queue: 'default' })
    release()
    await settled()
    expect(log.of('claimed')).toHaveLength(1)
  })
})
