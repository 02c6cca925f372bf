import { batchEntry, defineTask, systemClock } from '@tasking/core'
import type { Clock, Completion, Store, TaskId, Turn } from '@tasking/core'
import { describe, expect, test } from 'vitest'

import { forwardingStore } from './forwarding-store.ts'
import { Scene } from './scene.ts'

/** Refuses a turn, not for want of a connection, as long as `refuses` says so. */
const refusing =
  (refuses: (turn: Turn) => boolean) =>
  (store: Store): Store =>
    forwardingStore(store, {
      turn: (turn) =>
        refuses(turn) ? Promise.reject(new Error('too large for a row')) : store.turn(turn),
    })

// Nobody should wait for the pauses between attempts.
const hasty: Clock = {
  ...systemClock,
  sleep: (ms, signal) => systemClock.sleep(Math.min(ms, 5), signal),
}

const job = defineTask({ name: 'job', run: (input: number) => input * 2 })

const jobs = (count: number) => Array.from({ length: count }, (_, index) => batchEntry(job, index))

describe.each(['postgres', 'memory'] as const)(
  'a completion that a store on %s refuses',
  (kind) => {
    /** Five tasks, of which the store refuses what `refuses` says of the third one. */
    async function setUp(scene: Scene, refuses: (completion: Completion) => boolean) {
      const poison = new Set<TaskId>()
      const wrap = refusing(({ completions }) =>
        completions.some((completion) => poison.has(completion.id) && refuses(completion)),
      )
      const tasking = scene.tasking([job], { wrap })
      const handles = await tasking.dispatchBatch(jobs(5))
      const poisoned = handles[2]
      if (poisoned !== undefined) poison.add(poisoned.id)
      const others = handles.filter((handle) => handle !== poisoned)
      return { tasking, poisoned, others }
    }

    test('for ever ends as failed, and the others are not held up', async () => {
      await using scene = await Scene.open(kind)
      const { tasking, poisoned, others } = await setUp(scene, ({ state }) => state === 'completed')
      const { log } = await scene.startedWorker(tasking, { concurrency: 5, clock: hasty })
      const tasks = await Promise.all(others.map((handle) => handle.finished()))
      expect(tasks.map(({ state, result }) => [state, result])).toEqual(
        [0, 2, 6, 8].map((result) => ['completed', result]),
      )
      expect(await poisoned?.finished()).toMatchObject({
        state: 'failed',
        result: null,
        error: {
          code: 'result_not_stored',
          message: expect.stringMatching(/ended as completed.* refused that: too large for a row/),
        },
      })
      await log.next('idle')
      expect(await (await tasking.dispatch(job, 21)).result()).toBe(42)
    })

    test('whatever it says does not hold up the others', async () => {
      await using scene = await Scene.open(kind)
      const { tasking, others } = await setUp(scene, () => scene.isOpen)
      await scene.startedWorker(tasking, { concurrency: 5, clock: hasty })
      const wait = { timeout: '3s' } as const
      const tasks = await Promise.all(others.map((handle) => handle.finished(wait)))
      expect(tasks.map(({ state }) => state)).toEqual(Array(4).fill('completed'))
    })
  },
)

describe('a store that takes no turn at all for a while', () => {
  // Such as one whose disk is full, or that has become read-only: no completion is to blame.
  test('makes no task fail', async () => {
    await using scene = await Scene.open('memory')
    let refusals = 6
    let down = false
    const wrap = refusing(({ completions }) => {
      down ||= completions.length > 0
      return down && refusals-- > 0
    })
    const tasking = scene.tasking([job], { wrap })
    const handles = await tasking.dispatchBatch(jobs(2))
    await scene.startedWorker(tasking, { concurrency: 2, clock: hasty })
    const tasks = await Promise.all(handles.map((handle) => handle.finished()))
    expect(tasks.map(({ state, result }) => [state, result])).toEqual([
      ['completed', 0],
      ['completed', 2],
    ])
  })

  test('loses no task that is still to be claimed', async () => {
    await using scene = await Scene.open('memory')
    let refusals = 3
    const tasking = scene.tasking([job], { wrap: refusing(() => refusals-- > 0) })
    const handles = await tasking.dispatchBatch(jobs(3))
    await scene.startedWorker(tasking, { clock: hasty })
    expect(await Promise.all(handles.map((handle) => handle.result()))).toEqual([0, 2, 4])
  })
})
