import { defineTask } from '@tasking/core'
import type { Clock } from '@tasking/core'
import { afterEach, describe, expect, test, vi } from 'vitest'

import { LoopDelay } from '../src/loop-delay.ts'
import { forwardingStore } from './forwarding-store.ts'
import { handClock } from './hand-clock.ts'
import { LogBook } from './log-book.ts'
import { Scene } from './scene.ts'

afterEach(() => void vi.restoreAllMocks())

describe('LoopDelay', () => {
  const ttlMs = 3_000

  function setUp() {
    const clock = handClock()
    let aheadMs = 0
    let lateMs = 0
    const given: Clock = {
      now: () => new Date(clock.now().getTime() + aheadMs),
      random: () => 0.5,
      sleep: (ms, signal) => clock.sleep(ms + lateMs, signal),
    }
    const onDelay = vi.fn<(ms: number) => void>()
    const onJump = vi.fn<(ms: number) => void>()
    const onRound = vi.fn<() => void>()
    const loopDelay = new LoopDelay(given, ttlMs, { onDelay, onJump, onRound })
    loopDelay.start()
    return {
      ...{ clock, onDelay, onJump, onRound, loopDelay },
      setAhead: (ms: number) => (aheadMs += ms),
      beLate: (ms: number) => (lateMs = ms),
    }
  }

  test('has nothing to tell while timers ring in time', async () => {
    const { clock, onDelay, onJump, beLate, setAhead } = setUp()
    beLate(299)
    setAhead(299)
    await clock.advance(10 * ttlMs)
    expect([onDelay, onJump].flatMap(({ mock }) => mock.calls)).toEqual([])
  })

  test('tells how late a timer rang', async () => {
    const { clock, onDelay, onJump, beLate } = setUp()
    beLate(400)
    await clock.advance(300)
    await clock.advance(700)
    expect(onDelay.mock.calls).toEqual([[400]])
    expect(onJump).not.toHaveBeenCalled()
  })

  test('tells of a clock that went on without the timers, and not of one set back', async () => {
    const { clock, onDelay, onJump, setAhead } = setUp()
    setAhead(60_000)
    await clock.advance(300)
    expect(onJump.mock.calls).toEqual([[60_000]])
    setAhead(-60_000)
    await clock.advance(300)
    expect(onJump).toHaveBeenCalledOnce()
    expect(onDelay).not.toHaveBeenCalled()
  })

  test('tells of each round after what was lost in it', async () => {
    const { clock, onDelay, onRound } = setUp()
    const told: string[] = []
    onDelay.mockImplementation(() => void told.push('delay'))
    onRound.mockImplementation(() => void told.push('round'))
    await clock.advance(300)
    clock.move(700)
    await clock.next()
    expect(told).toEqual(['round', 'delay', 'round'])
  })

  test('tells of what was lost when it is stopped before its timer rings, once', async () => {
    const { clock, onDelay, loopDelay } = setUp()
    await clock.advance(300)
    clock.move(1_000)
    loopDelay.stop()
    loopDelay.stop()
    await clock.next()
    expect(onDelay.mock.calls).toEqual([[700]])
  })

  test('ends when it is stopped', async () => {
    const { clock, loopDelay } = setUp()
    loopDelay.stop()
    await clock.advance(ttlMs)
    expect(clock.pauses).toEqual([])
  })
})

test('a handler that blocks the event loop is warned of, by name', async () => {
  await using scene = await Scene.open()
  const busy = defineTask({
    name: 'busy',
    run() {
      const end = performance.now() + 500
      while (performance.now() < end);
    },
  })
  const tasking = scene.tasking([busy])
  const book = new LogBook()
  const { log } = await scene.startedWorker(tasking, { ttl: '1s', logger: book.logger })
  await tasking.dispatch(busy)
  expect((await log.next('delayed')).delayMs).toBeGreaterThanOrEqual(100)
  const message = 'the event loop was blocked, or this process was paused'
  // Where the machine is busy, another one may come before it, which blames nobody.
  await expect
    .poll(() => book.entries, { timeout: 20_000 })
    .toContainEqual({
      ...{ level: 'warn', message },
      fields: expect.objectContaining({ tasks: ['busy'] }),
    })
})

test('a handler that ended before the last time that was looked is not blamed', async () => {
  await using scene = await Scene.open('memory')
  const clock = handClock()
  const quick = defineTask({ name: 'quick', run: () => undefined })
  const tasking = scene.tasking([quick])
  const book = new LogBook()
  await scene.startedWorker(tasking, { clock, ttl: '10s', logger: book.logger })
  const loseTime = async () => {
    clock.move('2s')
    await clock.next()
  }
  await (await tasking.dispatch(quick)).result()
  await loseTime()
  await loseTime()
  const blamed = book.entries.flatMap(({ fields }) =>
    'delayMs' in fields ? [fields['tasks']] : [],
  )
  expect(blamed).toEqual([['quick'], []])
})

test('a worker on a machine that was suspended asks at once whether it was missed', async () => {
  await using scene = await Scene.open('memory')
  const clock = handClock()
  let aheadMs = 0
  const given: Clock = {
    now: () => new Date(clock.now().getTime() + aheadMs),
    random: () => 0.5,
    sleep: (ms, signal) => clock.sleep(ms, signal),
  }
  let gone = false
  const quick = defineTask({ name: 'quick', run: () => 1 })
  const tasking = scene.tasking([quick], {
    wrap: (store) =>
      forwardingStore(store, { beat: async (id) => ({ ...(await store.beat(id)), alive: !gone }) }),
  })
  const { worker, log } = await scene.startedWorker(tasking, { clock: given, ttl: '30s' })
  const ended = worker.ended.catch((error: unknown) => error)
  gone = true
  aheadMs = 60_000
  await clock.advance(1_000)
  expect(await ended).toMatchObject({ code: 'worker_missing' })
  expect(log.kinds).toContain('missing')
})
