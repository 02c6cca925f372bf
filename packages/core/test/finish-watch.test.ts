import { describe, expect, test } from 'vitest'

import { FinishWatch } from '../src/finish-watch.ts'
import { MemoryStore } from '../src/memory-store.ts'
import type { TaskId } from '../src/task.ts'
import { HandClock, settled } from '../src/testing/index.ts'

/** Notes what is asked for, and holds answers back when told to. */
class AskedStore extends MemoryStore {
  readonly asked: (readonly TaskId[])[] = []
  #hold: Promise<unknown> = Promise.resolve()

  override async find(ids: readonly TaskId[]) {
    this.asked.push(ids)
    const tasks = await super.find(ids)
    await this.#hold
    return tasks
  }

  holdUntil(event: Promise<unknown>): void {
    this.#hold = event
  }

  async add(...ids: readonly TaskId[]): Promise<void> {
    const resources = { exclusive: [], shared: [] }
    const task = { name: 'job', input: null, resources, queue: 'default', priority: 0 }
    await this.dispatch(ids.map((id) => ({ id, ...task })))
  }
}

async function setUp(...ids: readonly TaskId[]) {
  const store = new AskedStore()
  await store.add(...ids)
  const clock = new HandClock()
  return { store, clock, watch: new FinishWatch(store, clock) }
}

describe('FinishWatch', () => {
  test('asks for all tasks that are waited for at once', async () => {
    const ids = Array.from({ length: 100 }, (_, i) => `task-${i}`)
    const { store, clock, watch } = await setUp(...ids)
    const waits = ids.map((id) => watch.finished(id))
    await settled()
    store.asked.length = 0
    for (const id of ids) await store.cancel(id)
    await clock.next()
    expect(store.asked).toEqual([ids])
    expect((await Promise.all(waits)).map(({ id }) => id)).toEqual(ids)
  })

  test('asks once for a task that many wait for', async () => {
    const { store, watch } = await setUp('a')
    await store.cancel('a')
    const waits = [watch.finished('a'), watch.finished('a'), watch.finished('a')]
    expect((await Promise.all(waits)).map(({ state }) => state)).toEqual(Array(3).fill('canceled'))
    expect(store.asked).toEqual([['a']])
  })

  test('has one query under way at a time', async () => {
    const { store, clock, watch } = await setUp('a', 'b')
    let release: () => void = () => undefined
    store.holdUntil(new Promise<void>((resolve) => (release = resolve)))
    void watch.finished('a')
    void watch.finished('b')
    await clock.next()
    expect(store.asked).toHaveLength(1)
    release()
    await settled()
    await clock.next()
    expect(store.asked.length).toBeGreaterThan(1)
  })

  test('no longer asks for what has been answered', async () => {
    const { store, clock, watch } = await setUp('a', 'b')
    await store.cancel('a')
    const waits = [watch.finished('a'), watch.finished('b')]
    await clock.next()
    await waits[0]
    store.asked.length = 0
    await clock.next()
    expect(store.asked).toEqual([['b']])
  })

  test('asks no more when nobody waits', async () => {
    const { store, clock, watch } = await setUp('a')
    const abort = new AbortController()
    const wait = watch.finished('a', abort.signal)
    await settled()
    abort.abort(new Error('enough'))
    await expect(wait).rejects.toThrow('enough')
    await clock.next()
    store.asked.length = 0
    await clock.next()
    expect(store.asked).toEqual([])
    expect(clock.pauses).toEqual([])
  })

  test('asks ever more seldom, but at least every half second', async () => {
    const { clock, watch } = await setUp('a')
    void watch.finished('a')
    const pauses: number[] = []
    for (let i = 0; i < 12; i += 1) {
      await settled()
      pauses.push(...clock.pauses)
      await clock.next()
    }
    expect(pauses).toEqual(pauses.toSorted((a, b) => a - b))
    expect(pauses[0]).toBe(20)
    expect(pauses.at(-1)).toBe(500)
  })

  test('asks soon for a new wait, however long the others have waited', async () => {
    const { store, clock, watch } = await setUp('a', 'b')
    void watch.finished('a')
    for (let i = 0; i < 12; i += 1) await clock.next()
    await store.cancel('b')
    // Without a move of the clock.
    expect(await watch.finished('b')).toMatchObject({ state: 'canceled' })
  })

  test('answers a wait that begins in the moment in which the last one ends', async () => {
    const { store, watch } = await setUp('a', 'b')
    await store.cancel('a')
    await store.cancel('b')
    await watch.finished('a')
    const second = watch.finished('b').then(() => 'answered')
    expect(await Promise.race([second, settled().then(() => 'forgotten')])).toBe('answered')
  })

  test('tells apart tasks that are not there', async () => {
    const { store, clock, watch } = await setUp('a')
    await store.cancel('a')
    const waits = Promise.allSettled([watch.finished('a'), watch.finished('b')])
    await clock.next()
    await clock.next()
    const [there, gone] = await waits
    expect(there).toMatchObject({ status: 'fulfilled' })
    expect(gone).toMatchObject({ status: 'rejected', reason: { code: 'task_not_found' } })
  })

  test('ends one wait of a task without the others', async () => {
    const { store, clock, watch } = await setUp('a')
    const abort = new AbortController()
    const other = watch.finished('a')
    const aborted = watch.finished('a', abort.signal)
    abort.abort(new Error('enough'))
    await expect(aborted).rejects.toThrow('enough')
    await store.cancel('a')
    await clock.next()
    expect(await other).toMatchObject({ state: 'canceled' })
  })

  test('hands on the error of the store', async () => {
    const { store, watch } = await setUp('a')
    store.find = () => Promise.reject(new Error('no answer'))
    await expect(watch.finished('a')).rejects.toThrow('no answer')
  })

  test('waits anew after an error of the store', async () => {
    const { store, watch } = await setUp('a')
    const find = store.find.bind(store)
    store.find = () => Promise.reject(new Error('no answer'))
    await expect(watch.finished('a')).rejects.toThrow('no answer')
    store.find = find
    await store.cancel('a')
    expect(await watch.finished('a')).toMatchObject({ state: 'canceled' })
  })

  test('ends all waits when it is closed', async () => {
    const { clock, watch } = await setUp('a', 'b')
    const waits = Promise.allSettled([watch.finished('a'), watch.finished('b')])
    await settled()
    watch.close()
    expect((await waits).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    await settled()
    expect(clock.pauses).toEqual([])
  })
})
