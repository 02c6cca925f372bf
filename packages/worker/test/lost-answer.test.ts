import { batchEntry, defineTask, StoreUnavailableError } from '@tasking/core'
import type { Store, Turn, TurnResult } from '@tasking/core'
import { afterEach, describe, expect, test, vi } from 'vitest'

import { forwardingStore } from './forwarding-store.ts'
import { handClock } from './hand-clock.ts'
import { Scene } from './scene.ts'

afterEach(() => void vi.restoreAllMocks())

const lost = () => new StoreUnavailableError('nowhere', 'the answer was lost')

/** Every turn is carried out; the answers of those that `loses` names don't arrive. */
const losing =
  (loses: (turn: Turn, result: TurnResult) => boolean) =>
  (store: Store): Store =>
    forwardingStore(store, {
      async turn(turn) {
        const result = await store.turn(turn)
        if (loses(turn, result)) throw lost()
        return result
      },
    })

/** Notes how often each task ran, and whether one ran twice at once. */
function counting() {
  const runs = new Map<string, number>()
  const running = new Set<string>()
  const twice: string[] = []
  const definition = defineTask({
    name: 'counting',
    async run(_input: number, { task }) {
      if (running.has(task.id)) twice.push(task.id)
      running.add(task.id)
      runs.set(task.id, (runs.get(task.id) ?? 0) + 1)
      await new Promise((resolve) => setImmediate(resolve))
      running.delete(task.id)
      return task.id
    },
  })
  return { definition, runs, twice }
}

const entries = (definition: ReturnType<typeof counting>['definition'], count: number) =>
  Array.from({ length: count }, (_, index) => batchEntry(definition, index))

describe.each(['postgres', 'memory'] as const)('a lost answer on %s', (kind) => {
  test('to a claim costs no task', async () => {
    await using scene = await Scene.open(kind)
    const { definition, runs, twice } = counting()
    let losses = 0
    const wrap = losing((_turn, { claimed }) => claimed.length > 0 && losses++ === 0)
    const tasking = scene.tasking([definition], { wrap })
    const handles = await tasking.dispatchBatch(entries(definition, 10))
    const { log } = await scene.startedWorker(tasking, { concurrency: 4 })
    const tasks = await Promise.all(handles.map((handle) => handle.finished()))
    expect(tasks.map(({ state, result, id }) => [state, result === id])).toEqual(
      tasks.map(() => ['completed', true]),
    )
    expect([...runs.values()]).toEqual(Array(10).fill(1))
    expect(twice).toEqual([])
    expect(losses).toBeGreaterThan(0)
    expect(log.of('unavailable')).toHaveLength(1)
  })

  test('to a completion does not take it back, and is no refusal', async () => {
    await using scene = await Scene.open(kind)
    const { definition, runs } = counting()
    let losses = 0
    const wrap = losing(({ completions }) => completions.length > 0 && losses++ === 0)
    const tasking = scene.tasking([definition], { wrap })
    const handle = await tasking.dispatch(definition, 1)
    const { log } = await scene.startedWorker(tasking)
    await log.next('finished', { taskId: handle.id })
    expect(await handle.load()).toMatchObject({ state: 'completed', result: handle.id })
    expect(runs.get(handle.id)).toBe(1)
    expect(log.of('refused')).toEqual([])
  })

  test.each([
    { turns: 'every third turn', concurrency: 5, count: 40 },
    { turns: 'every third turn, with two under way at once,', concurrency: 256, count: 1_500 },
  ])('to $turns costs no task, and makes none run twice', async ({ concurrency, count }) => {
    await using scene = await Scene.open(kind)
    const { definition, runs, twice } = counting()
    let turns = 0
    const wrap = losing(() => ++turns % 3 === 0)
    const tasking = scene.tasking([definition], { wrap })
    const handles = await tasking.dispatchBatch(entries(definition, count))
    const options = { concurrency }
    const one = await scene.startedWorker(tasking, options)
    const other = await scene.startedWorker(scene.tasking([definition], { wrap }), options)
    const tasks = await Promise.all(handles.map((handle) => handle.finished()))
    await Promise.all([one.worker.stop(), other.worker.stop()])
    expect(tasks.filter(({ state }) => state !== 'completed')).toEqual([])
    expect([...runs.values()]).toEqual(Array(count).fill(1))
    expect(twice).toEqual([])
    const finished = [...one.log.of('finished'), ...other.log.of('finished')]
    expect(new Set(finished.map(({ taskId }) => taskId)).size).toBe(count)
    expect([...one.log.of('refused'), ...other.log.of('refused')]).toEqual([])
  })

  test('takes a new fencing token with the task', async () => {
    await using scene = await Scene.open(kind)
    const tokens: bigint[] = []
    const claims: bigint[] = []
    const job = defineTask({
      name: 'job',
      run: (_input: undefined, { fencingToken }) => void tokens.push(fencingToken),
    })
    let losses = 0
    const wrap = losing((_turn, { claimed }) => {
      claims.push(...claimed.map(({ fencingToken }) => fencingToken))
      return claimed.length > 0 && losses++ === 0
    })
    const tasking = scene.tasking([job], { wrap })
    const handle = await tasking.dispatch(job)
    await scene.startedWorker(tasking)
    await handle.result()
    const [first = 0n, second = 0n] = claims
    expect(claims).toHaveLength(2)
    expect(second).toBeGreaterThan(first)
    expect(tokens).toEqual([second])
  })
})

describe('a turn that the store carries out after its answer was given up', () => {
  test('comes to light with a heartbeat, and costs no task', async () => {
    await using scene = await Scene.open('memory')
    const { definition, runs } = counting()
    const clock = handClock()
    let late: (() => Promise<unknown>) | undefined
    const wrap = (store: Store) =>
      forwardingStore(store, {
        turn(turn) {
          if (late !== undefined || turn.slots === 0) return store.turn(turn)
          late = () => store.turn(turn)
          return Promise.reject(lost())
        },
      })
    const tasking = scene.tasking([definition], { wrap })
    const { log } = await scene.startedWorker(tasking, { clock })
    await clock.advance(1_000)
    await log.next('idle')
    const handle = await tasking.dispatch(definition, 1)
    await late?.()
    expect(await handle.load()).toMatchObject({ state: 'running' })
    await clock.advance(10_000)
    expect(await handle.load()).toMatchObject({ state: 'completed' })
    expect([...runs.values()]).toEqual([1])
  })
})

describe('completions of a lost answer', () => {
  test('are told as finished although the store will take them one by one only', async () => {
    await using scene = await Scene.open('memory')
    const both = scene.meeting(2)
    const job = defineTask({ name: 'job', run: (_input: number) => both.arrive() })
    let failures = 0
    const tasking = scene.tasking([job], {
      wrap: (store) =>
        forwardingStore(store, {
          async turn(turn) {
            if (turn.completions.length < 2) return store.turn(turn)
            failures += 1
            if (failures > 1) throw new Error('not now')
            await store.turn(turn)
            throw lost()
          },
        }),
    })
    const handles = await tasking.dispatchBatch([batchEntry(job, 1), batchEntry(job, 2)])
    const { log } = await scene.startedWorker(tasking, { concurrency: 2 })
    await log.next('ended')
    const told = (taskId: string) =>
      Promise.race([log.next('finished', { taskId }), log.next('refused', { taskId })])
    const events = await Promise.all(handles.map(({ id }) => told(id)))
    expect(failures).toBe(2)
    expect(events.map(({ kind }) => kind)).toEqual(['finished', 'finished'])
  })
})

describe('a worker that is stopped right after a lost answer', () => {
  test('runs what that turn had claimed, instead of giving it up', async () => {
    await using scene = await Scene.open('memory')
    const { definition, runs } = counting()
    let ask: () => void = () => undefined
    const asked = new Promise<void>((resolve) => (ask = resolve))
    let losses = 0
    const wrap = (store: Store) =>
      forwardingStore(store, {
        async turn(turn) {
          const result = await store.turn(turn)
          if (result.claimed.length === 0 || losses > 0) return result
          losses += 1
          ask()
          throw lost()
        },
      })
    const tasking = scene.tasking([definition], { wrap })
    const handle = await tasking.dispatch(definition, 1)
    const { worker } = await scene.startedWorker(tasking)
    await asked
    await worker.stop()
    expect(await handle.load()).toMatchObject({ state: 'completed' })
    expect([...runs.values()]).toEqual([1])
  })
})
