import { describe, expect, test } from 'vitest'
import { batchEntry, defineTask } from '@tasking/core'
import type { Store, Turn } from '@tasking/core'
import { settled } from '@tasking/core/testing'

import { forwardingStore } from './forwarding-store.ts'
import { Scene } from './scene.ts'

describe.each(['postgres', 'memory'] as const)('a worker on %s', (kind) => {
  test('runs a task and stores its result', async () => {
    await using scene = await Scene.open(kind)
    const add = defineTask({ name: 'add', run: ({ a, b }: { a: number; b: number }) => a + b })
    const tasking = scene.tasking([add])
    const { worker, log } = await scene.startedWorker(tasking)
    const handle = await tasking.dispatch(add, { a: 2, b: 3 })
    const task = await handle.finished()
    expect(task).toMatchObject({ state: 'completed', result: 5, error: null, workerId: worker.id })
    expect(task.startedAt).toBeInstanceOf(Date)
    expect(task.finishedAt).toBeInstanceOf(Date)
    await log.next('finished', { taskId: handle.id })
    expect(log.events.filter((event) => 'taskId' in event)).toEqual([
      { kind: 'claimed', taskId: handle.id, taskName: 'add' },
      { kind: 'ended', taskId: handle.id, state: 'completed' },
      { kind: 'finished', taskId: handle.id },
    ])
  })

  test('never runs, and never owns, more tasks than it has slots', async () => {
    await using scene = await Scene.open(kind)
    const concurrency = 3
    const meeting = scene.meeting(concurrency)
    let running = 0
    let mostRunning = 0
    let mostOwned = 0
    const job = defineTask({
      name: 'job',
      async run() {
        running += 1
        mostRunning = Math.max(mostRunning, running)
        const owned = await tasking.list({ states: ['running', 'canceling'] })
        mostOwned = Math.max(mostOwned, owned.length)
        // Nobody goes on before all slots have been in use at once.
        await meeting.arrive()
        running -= 1
      },
    })
    const tasking = scene.tasking([job])
    const handles = await tasking.dispatchBatch(Array.from({ length: 100 }, () => batchEntry(job)))
    const { log } = await scene.startedWorker(tasking, { concurrency })
    const tasks = await Promise.all(handles.map((handle) => handle.finished()))
    expect(tasks.every(({ state }) => state === 'completed')).toBe(true)
    expect(log.of('claimed')).toHaveLength(100)
    expect([mostRunning, mostOwned]).toEqual([concurrency, concurrency])
  })

  test('asks for no more tasks than it can start', async () => {
    await using scene = await Scene.open(kind)
    const gate = scene.gate()
    const meeting = scene.meeting(2)
    const job = defineTask({
      name: 'job',
      async run(index: number) {
        void meeting.arrive()
        await gate.opened
        // One ends after the other, so that there are turns with some slots free.
        for (let i = 0; i < index; i += 1) await settled()
      },
    })
    const asked: { readonly slots: number; readonly running: number }[] = []
    const wrap = (store: Store) =>
      forwardingStore(store, {
        turn(turn) {
          asked.push({ slots: turn.slots, running: worker.running })
          return store.turn(turn)
        },
      })
    const tasking = scene.tasking([job], { wrap })
    const entries = Array.from({ length: 9 }, (_, index) => batchEntry(job, index))
    const handles = await tasking.dispatchBatch(entries)
    const { worker } = scene.worker(tasking, { concurrency: 2 })
    await worker.start()
    await meeting.complete
    expect(worker.running).toBe(2)
    const states = (await tasking.list()).map(({ state }) => state).toSorted()
    expect(states).toEqual(['running', 'running', ...Array<string>(7).fill('waiting')])
    gate.open()
    await Promise.all(handles.map((handle) => handle.result()))
    expect(worker.running).toBe(0)
    expect(asked.filter(({ slots, running }) => slots + running > 2)).toEqual([])
    expect(asked.some(({ slots }) => slots === 1)).toBe(true)
  })

  test.each([
    { concurrency: 256, atOnce: 2 },
    { concurrency: 255, atOnce: 1 },
  ])('has up to $atOnce turns under way with $concurrency slots', async (given) => {
    const { concurrency, atOnce } = given
    await using scene = await Scene.open(kind)
    const job = defineTask({ name: 'job', run: () => undefined })
    const underWay = new Set<Turn>()
    let mostAtOnce = 0
    const overdrawn: number[] = []
    const wrap = (store: Store) =>
      forwardingStore(store, {
        async turn(turn) {
          underWay.add(turn)
          mostAtOnce = Math.max(mostAtOnce, underWay.size)
          const asked = [...underWay].reduce((sum, { slots }) => sum + slots, worker.running)
          if (asked > concurrency) overdrawn.push(asked)
          const result = await store.turn(turn)
          // What it brought has ended before the next one, too.
          for (let n = 0; n < 5; n += 1) await settled()
          underWay.delete(turn)
          return result
        },
      })
    const tasking = scene.tasking([job], { wrap })
    const handles = await tasking.dispatchBatch(
      Array.from({ length: 2_000 }, () => batchEntry(job)),
    )
    const { worker, log } = scene.worker(tasking, { concurrency })
    await worker.start()
    const tasks = await Promise.all(handles.map((handle) => handle.finished()))
    expect(tasks.every(({ state }) => state === 'completed')).toBe(true)
    await worker.stop()
    expect(new Set(log.of('claimed').map(({ taskId }) => taskId)).size).toBe(2_000)
    expect(log.of('claimed')).toHaveLength(2_000)
    expect(mostAtOnce).toBe(atOnce)
    expect(overdrawn).toEqual([])
  })

  test('leaves tasks of other names and other queues alone', async () => {
    await using scene = await Scene.open(kind)
    const mine = defineTask({ name: 'mine', run: () => 1 })
    const theirs = defineTask({ name: 'theirs', run: () => 1 })
    const tasking = scene.tasking([mine])
    const [unknown, elsewhere, last] = await tasking.dispatchBatch([
      batchEntry(theirs, undefined, { priority: 5 }),
      batchEntry(mine, undefined, { priority: 5, queue: 'elsewhere' }),
      batchEntry(mine),
    ])
    await scene.startedWorker(tasking, { concurrency: 5 })
    await last?.result()
    expect(await unknown?.load()).toMatchObject({ state: 'waiting' })
    expect(await elsewhere?.load()).toMatchObject({ state: 'waiting' })
  })

  test('serves its queues in their order, and in each the higher priority first', async () => {
    await using scene = await Scene.open(kind)
    const order: string[] = []
    const job = defineTask({ name: 'job', run: (name: string) => void order.push(name) })
    const tasking = scene.tasking([job])
    const handles = await tasking.dispatchBatch([
      batchEntry(job, 'slow', { queue: 'slow', priority: 9 }),
      batchEntry(job, 'second', { queue: 'fast' }),
      batchEntry(job, 'third', { queue: 'fast' }),
      batchEntry(job, 'first', { queue: 'fast', priority: 1 }),
    ])
    await scene.startedWorker(tasking, { queues: ['fast', 'slow'] })
    await Promise.all(handles.map((handle) => handle.result()))
    expect(order).toEqual(['first', 'second', 'third', 'slow'])
  })
})
