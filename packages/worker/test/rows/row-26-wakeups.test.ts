import { defineTask } from '@tasking/core'
import type { Signal } from '@tasking/core'
import { pooled } from '@tasking/testbed'
import { beforeEach, describe, expect, test } from 'vitest'

import { forwardingStore } from '../forwarding-store.ts'
import { frozenClock } from '../hand-clock.ts'
import { Scene } from '../scene.ts'

const quick = defineTask({ name: 'quick', run: (number: number) => number })

// With a clock that stands still no worker ever polls: what happens is the signals' work.
describe('row 26: wake-ups and cancels', () => {
  beforeEach(({ skip }) => skip(pooled, 'signals need LISTEN, on a direct connection'))

  test('a single worker misses none of many tasks in quick succession', async () => {
    await using scene = await Scene.open()
    const { log } = await scene.startedWorker(scene.tasking([quick]), { clock: frozenClock })
    await log.next('idle')
    const elsewhere = scene.tasking([])
    const numbers = Array.from({ length: 100 }, (_, number) => number)
    const handles = []
    for (const number of numbers) handles.push(await elsewhere.dispatch(quick, number))
    const results = await Promise.all(handles.map((handle) => handle.result({ timeout: '20s' })))
    expect(results).toEqual(numbers)
  })

  test('a single worker misses none that comes while it asks for others', async () => {
    await using scene = await Scene.open()
    const [asked, heard] = [scene.meeting(1), scene.meeting(1)]
    const tasking = scene.tasking([quick], {
      wrap: (store) =>
        forwardingStore(store, {
          // Its first turn finds nothing, and is under way until the wake-up is there.
          async turn(turn) {
            const result = await store.turn(turn)
            void asked.arrive()
            await heard.complete
            return result
          },
          signals: {
            subscribe: async (onSignal, onConnection) => {
              const listen = (signal: Signal) => {
                onSignal(signal)
                if (signal.kind === 'wakeup') void heard.arrive()
              }
              return (await store.signals?.subscribe(listen, onConnection)) ?? (async () => {})
            },
          },
        }),
    })
    await scene.startedWorker(tasking, { clock: frozenClock })
    await asked.complete
    const handle = await scene.tasking([]).dispatch(quick, 7)
    expect(await handle.result({ timeout: '20s' })).toBe(7)
  })

  test('what the end of a task frees is started elsewhere, and a cancel gets through', async () => {
    await using scene = await Scene.open()
    const resources = { exclusive: ['a'] }
    const running = scene.meeting(1)
    const first = defineTask({
      name: 'first',
      resources,
      async run(_input: undefined, { signal }) {
        void running.arrive()
        await new Promise((abort) => signal.addEventListener('abort', abort))
      },
    })
    const second = defineTask({ name: 'second', resources, run: () => 'ran' })
    const elsewhere = scene.tasking([])
    await scene.startedWorker(scene.tasking([first]), { clock: frozenClock })
    const { log } = await scene.startedWorker(scene.tasking([second]), { clock: frozenClock })
    await log.next('idle')
    const canceled = await elsewhere.dispatch(first)
    await running.complete
    const freed = await elsewhere.dispatch(second)
    await canceled.cancel()
    expect(await freed.result({ timeout: '20s' })).toBe('ran')
    expect(await canceled.load()).toMatchObject({ state: 'canceled' })
  })
})
