import { stripVTControlCharacters as plain } from 'node:util'
import { createTasking, MemoryStore, systemClock } from '@tasking/core'
import type { Clock, ResourceRequest, TaskHandle, Tasking, WorkerRecord } from '@tasking/core'
import { describe, expect, test } from 'vitest'
import { explanationText } from '../src/explanation-text.ts'
import { claim, hold, orphan, register } from './held-lines.ts'

interface Scene {
  readonly tasking: Tasking
  pass(seconds: number): void
  /** Dispatches a task; the first is A from then on, the second B, and so on. */
  line(request: ResourceRequest): Promise<TaskHandle<unknown>>
  explain(
    task: TaskHandle<unknown>,
    change?: { readonly workers: readonly WorkerRecord[] },
  ): Promise<string[]>
}

function scene(): Scene {
  let nowMs = Date.UTC(2030, 0, 1)
  const clock: Clock = { ...systemClock, now: () => new Date(nowMs) }
  const tasking: Tasking = createTasking({ store: new MemoryStore({ clock }), clock })
  const ids: string[] = []
  return {
    tasking,
    pass: (seconds) => void (nowMs += seconds * 1_000),
    async line(request) {
      const handle = await tasking.dispatch(hold, request)
      ids.push(handle.id)
      return handle
    },
    async explain({ id }, change) {
      const explanation = await tasking.explain(id)
      const root = explanation.chain.at(-1)?.task
      const text = explanationText(explanation, {
        now: clock.now(),
        workers: await tasking.store.workers(),
        rootCause: root?.state === 'waiting' ? await tasking.explain(root.id) : undefined,
        ...change,
      })
      const letters = ids.map((one, index) => [one, String.fromCodePoint(65 + index)] as const)
      return letters
        .reduce((all, [one, letter]) => all.replaceAll(one, letter), plain(text))
        .split('\n')
    },
  }
}

describe('a blocked task', () => {
  test('its places, their holders, and the way to what runs', async () => {
    const { tasking, pass, line, explain } = scene()
    await line({ counted: [{ resource: 'gpu', amount: 7, capacity: 8 }], shared: ['content'] })
    await line({ shared: ['content'] })
    const north = await register(tasking, 'north')
    await claim(tasking, north, 2)
    pass(60)
    await line({ exclusive: ['content'] })
    pass(5)
    const last = await line({
      exclusive: ['free'],
      counted: [{ resource: 'gpu', amount: 2, capacity: 8 }],
      shared: ['content'],
    })
    pass(1)
    expect(await explain(last)).toEqual([
      'hold D',
      'waiting (blocked) for 1s',
      '',
      'gpu  counted, 2 of 8, place 2 in line, blocked',
      '  held by  hold A  counted, 7, runs for 1m 6s on worker north',
      '  before   hold A  counted, 7, runs for 1m 6s on worker north',
      '',
      'content  shared, place 4 in line, blocked',
      '  held by  hold A  shared, runs for 1m 6s on worker north',
      '  held by  hold B  shared, runs for 1m 6s on worker north',
      '  before   hold C  exclusive, waits for 6s, blocked',
      '',
      'free  exclusive, place 1 in line, unblocked',
      '  held by  nobody',
      '',
      'It waits for',
      '→ hold A at gpu: runs for 1m 6s on worker north',
    ])
  })

  test('the root cause may wait for a worker itself', async () => {
    const { tasking, pass, line, explain } = scene()
    await line({ exclusive: ['a'] })
    await line({ exclusive: ['a', 'b'] })
    const last = await line({ exclusive: ['b'] })
    pass(9)
    const way = async () => (await explain(last)).slice(-2)
    expect(await way()).toEqual([
      '→ hold B at b: waits for 9s, blocked',
      '  → hold A at a: waits for a worker for 9s: no worker is alive',
    ])
    await register(tasking, 'north', { concurrency: 3 })
    expect((await way())[1]).toBe(
      '  → hold A at a: waits for a worker for 9s: 1 worker serves queue "default", 3 slots free',
    )
  })

  test('of a long way the middle is left out', async () => {
    const { line, explain } = scene()
    for (let step = 0; step < 20; step += 1) {
      await line({ exclusive: [`r${step}`, `r${step + 1}`] })
    }
    const last = await line({ exclusive: ['r20'] })
    const way = (await explain(last)).filter((text) => /→|…/.test(text))
    expect(way).toHaveLength(13)
    expect(way[0]).toBe('→ hold T at r20: waits for 0ms, blocked')
    expect(way[6]).toBe(`${'  '.repeat(6)}… 8 tasks between`)
    expect(way[12]).toMatch(/^ {24}→ hold A at r1: waits for a worker/)
  })

  test('of many holders and many resources the rest is counted, what blocks comes first', async () => {
    const { tasking, line, explain } = scene()
    for (let reader = 0; reader < 13; reader += 1) await line({ shared: ['z'] })
    await claim(tasking, await register(tasking, 'north'), 13)
    const names = Array.from({ length: 29 }, (_, index) => `r${index + 10}`)
    const text = await explain(await line({ exclusive: [...names, 'z'] }))
    expect(text.slice(3, 9)).toEqual([
      'z  exclusive, place 14 in line, blocked',
      '  held by  hold A  shared, runs for 0ms on worker north',
      '  held by  hold B  shared, runs for 0ms on worker north',
      '  held by  hold C  shared, runs for 0ms on worker north',
      '           and 10 more tasks',
      '  before   hold M  shared, runs for 0ms on worker north',
    ])
    expect(text).toContain('… and 10 more resources, 0 of them blocked')
  })

  test('a worker that is overdue, or gone, is said to be', async () => {
    const { tasking, pass, line, explain } = scene()
    await line({ exclusive: ['a'] })
    await claim(tasking, await register(tasking, 'north'))
    const last = await line({ exclusive: ['a'] })
    pass(601)
    expect((await explain(last)).at(-1)).toBe(
      '→ hold A at a: runs for 10m 1s on worker north, whose heartbeat is overdue',
    )
    expect((await explain(last, { workers: [] })).at(-1)).toBe(
      '→ hold A at a: runs for 10m 1s on a worker that is gone',
    )
  })
})

describe('a task that nothing blocks', () => {
  test.for<[string, Parameters<typeof register>[2][]]>([
    ['no worker is alive', []],
    ['no living worker serves queue "default"', [{ queues: ['other'] }]],
    [
      'no living worker that serves queue "default" knows "hold"',
      [{ taskNames: ['other'] }, { queues: ['other'] }],
    ],
    ['2 workers serve queue "default", 5 slots free', [{ concurrency: 4 }, { concurrency: 1 }]],
    ['1 worker serves queue "default", 1 slot free', [{ concurrency: 1 }]],
  ])('%s', async ([why, workers]) => {
    const { tasking, line, explain } = scene()
    for (const [index, worker] of workers.entries()) await register(tasking, `w${index}`, worker)
    const task = await line({})
    expect(await explain(task)).toEqual([
      'hold A',
      'waiting (unblocked) for 0ms',
      '',
      `It waits for a worker: ${why}.`,
    ])
  })

  test('to clean up after one that was lost', async () => {
    const { tasking, line, explain } = scene()
    const task = await line({})
    await orphan(tasking)
    expect((await explain(task)).slice(1)).toEqual([
      'waiting (for its clean-up) for 0ms',
      '',
      'The worker stopped while the task was running.',
      'It waits for a worker to clean up what it has left, and is failed then: 1 worker serves queue "default", 2 slots free.',
    ])
  })

  test('no slot is free', async () => {
    const { tasking, line, explain } = scene()
    const running = await line({ exclusive: ['a'] })
    await claim(tasking, await register(tasking, 'north', { concurrency: 1 }))
    expect((await explain(await line({}))).at(-1)).toBe(
      'It waits for a worker: 1 worker serves queue "default", no slot is free.',
    )
    expect(await explain(running)).toEqual([
      'hold A',
      'running for 0ms on worker north',
      '',
      'a  exclusive, place 1 in line, unblocked',
      '  held by  this task alone',
    ])
  })

  test('one that is finished has a reason at most', async () => {
    const { tasking, pass, line, explain } = scene()
    await line({ exclusive: ['a'] })
    const skipped = await tasking.dispatch(hold, { exclusive: ['a'] }, { ifBlocked: 'skip' })
    pass(60)
    expect(await explain(skipped)).toEqual([
      `hold ${skipped.id}`,
      'skipped (resources_busy) 1m 0s ago: Resource "a" is taken.',
    ])
  })
})
