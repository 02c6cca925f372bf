import { MemoryStore } from '@tasking/core'
import type { Beat, Store } from '@tasking/core'
import { settled } from '@tasking/core/testing'
import type { HandClock } from '@tasking/core/testing'
import { afterEach, describe, expect, test, vi } from 'vitest'

import { Heartbeat } from '../src/heartbeat.ts'
import { forwardingStore } from './forwarding-store.ts'
import { Gate } from './gate.ts'
import { handClock } from './hand-clock.ts'

const ttlMs = 3_000
const alive: Beat = { alive: true, fleet: 7, housekeepers: 3, owned: 2 }

afterEach(() => void vi.restoreAllMocks())

/** A heartbeat whose every beat is answered by `answer`. */
function setUp(answer: () => Promise<Beat>, ttl = ttlMs) {
  const clock = handClock()
  const beat = vi.fn<Store['beat']>(answer)
  const listener = {
    onBeat: vi.fn<(beat: Beat) => void>(),
    onFailure: vi.fn<(error: unknown) => void>(),
    onMissing: vi.fn<() => void>(),
  }
  const store = forwardingStore(new MemoryStore(), { beat })
  return { clock, beat, listener, heartbeat: new Heartbeat(store, clock, 'me', ttl, listener) }
}

describe('Heartbeat', () => {
  test('beats once before it has started', async () => {
    const { heartbeat, beat, listener } = setUp(async () => alive)
    await heartbeat.start()
    expect(beat.mock.calls).toEqual([['me']])
    expect(listener.onBeat.mock.calls).toEqual([[alive]])
  })

  test('does not start without an answer', async () => {
    const { heartbeat, clock } = setUp(() => Promise.reject(new Error('no answer')))
    await expect(heartbeat.start()).rejects.toThrow('no answer')
    expect(clock.pauses).toEqual([])
  })

  test('beats every third of its TTL', async () => {
    const { heartbeat, clock, beat, listener } = setUp(async () => alive)
    await heartbeat.start()
    await clock.advance(ttlMs / 3 - 1)
    expect(beat).toHaveBeenCalledTimes(1)
    await clock.advance(1)
    expect(beat).toHaveBeenCalledTimes(2)
    await clock.advance(10 * ttlMs)
    expect(beat).toHaveBeenCalledTimes(32)
    expect(listener.onMissing).not.toHaveBeenCalled()
  })

  test('beats more often at first, so that it hears of those who start with it', async () => {
    const { heartbeat, clock, beat } = setUp(async () => alive, 30_000)
    await heartbeat.start()
    await clock.advance(1_000)
    expect(beat).toHaveBeenCalledTimes(2)
    await clock.advance(3_000)
    expect(beat).toHaveBeenCalledTimes(3)
    await clock.advance(5_999)
    expect(beat).toHaveBeenCalledTimes(3)
    await clock.advance(1)
    expect(beat).toHaveBeenCalledTimes(4)
  })

  test('beats at the same moments as another one of its process that started at another', async () => {
    const clock = handClock()
    const moments: number[] = []
    const store = forwardingStore(new MemoryStore(), {
      beat: async () => (moments.push(clock.elapsed), alive),
    })
    const listener = { onBeat() {}, onFailure() {}, onMissing() {} }
    const heartbeatOf = (id: string) => new Heartbeat(store, clock, id, 30_000, listener)
    await clock.advance(2_345)
    await heartbeatOf('one').start()
    await clock.advance(4_321)
    await heartbeatOf('other').start()
    await clock.advance(60_000)
    const regular = moments.filter((moment) => moment > 20_000)
    expect(regular).toEqual([30, 30, 40, 40, 50, 50, 60, 60].map((seconds) => seconds * 1_000))
  })

  test('keeps to those moments although one of its timers rang late', async () => {
    const { heartbeat, clock, beat } = setUp(async () => alive, 30_000)
    await heartbeat.start()
    await clock.advance(19_999)
    clock.move(31)
    await clock.next()
    expect(beat).toHaveBeenCalledTimes(5)
    await clock.advance(9_969)
    expect(beat).toHaveBeenCalledTimes(5)
    await clock.advance(1)
    expect(beat).toHaveBeenCalledTimes(6)
  })

  test('tries again soon after a beat that failed', async () => {
    const { heartbeat, clock, beat, listener } = setUp(async () => alive)
    await heartbeat.start()
    const failure = new Error('no answer')
    beat.mockRejectedValueOnce(failure)
    await clock.advance(ttlMs / 3)
    expect(listener.onFailure.mock.calls).toEqual([[failure]])
    await clock.advance(ttlMs / 10)
    expect(listener.onBeat).toHaveBeenCalledTimes(2)
    await clock.advance(ttlMs)
    expect(listener.onMissing).not.toHaveBeenCalled()
  })

  test('gives up before its TTL when beats fail', async () => {
    const { heartbeat, clock, beat, listener } = setUp(async () => alive)
    await heartbeat.start()
    beat.mockRejectedValue(new Error('no answer'))
    await clock.advance(0.8 * ttlMs - 1)
    expect(listener.onMissing).not.toHaveBeenCalled()
    await clock.advance(1)
    expect(listener.onMissing).toHaveBeenCalledOnce()
  })

  test('gives up before its TTL when a beat hangs', async () => {
    const { heartbeat, clock, beat, listener } = setUp(async () => alive)
    await heartbeat.start()
    beat.mockReturnValue(new Promise(() => undefined))
    await clock.advance(0.8 * ttlMs)
    expect(listener.onMissing).toHaveBeenCalledOnce()
  })

  /** The loop is blocked from just before a beat is due until so much of the TTL is over. */
  async function blocked(clock: HandClock, until: number) {
    await clock.advance(ttlMs / 3 - 1)
    clock.move(until * ttlMs - clock.elapsed)
    await clock.next()
  }

  test('goes on after the event loop was blocked for half its TTL at the worst moment', async () => {
    const { heartbeat, clock, beat, listener } = setUp(async () => alive)
    await heartbeat.start()
    await blocked(clock, 0.85)
    expect(beat).toHaveBeenCalledTimes(2)
    await clock.advance(10 * ttlMs)
    expect(listener.onMissing).not.toHaveBeenCalled()
  })

  test('gives up well before its TTL when no beat is answered after that', async () => {
    const { heartbeat, clock, beat, listener } = setUp(async () => alive)
    await heartbeat.start()
    beat.mockReturnValue(new Promise(() => undefined))
    await blocked(clock, 0.85)
    await clock.advance(0.9 * ttlMs - clock.elapsed - 1)
    expect(listener.onMissing).not.toHaveBeenCalled()
    await clock.advance(1)
    expect(listener.onMissing).toHaveBeenCalledOnce()
  })

  test('gives up at once when the event loop was blocked for longer', async () => {
    const { heartbeat, clock, listener } = setUp(async () => alive)
    await heartbeat.start()
    await blocked(clock, 0.95)
    expect(listener.onMissing).toHaveBeenCalledOnce()
  })

  test('has no more patience than before once a beat was answered', async () => {
    const { heartbeat, clock, beat, listener } = setUp(async () => alive)
    await heartbeat.start()
    await blocked(clock, 0.85)
    beat.mockRejectedValue(new Error('no answer'))
    await clock.advance(0.8 * ttlMs - 1)
    expect(listener.onMissing).not.toHaveBeenCalled()
    await clock.advance(1)
    expect(listener.onMissing).toHaveBeenCalledOnce()
  })

  test('counts from when a beat was sent, however late its answer', async () => {
    const { heartbeat, clock, beat, listener } = setUp(async () => alive)
    await heartbeat.start()
    const answer = new Gate()
    beat.mockReturnValueOnce(answer.opened.then(() => alive))
    beat.mockReturnValueOnce(new Promise(() => undefined))
    await clock.advance(ttlMs / 3)
    await clock.advance(ttlMs / 3)
    answer.open()
    await clock.advance(ttlMs / 3 + 0.8 * ttlMs - (2 * ttlMs) / 3 - 1)
    expect(listener.onMissing).not.toHaveBeenCalled()
    await clock.advance(1)
    expect(listener.onMissing).toHaveBeenCalledOnce()
  })

  test('can be made to ask at once', async () => {
    const { heartbeat, beat, listener } = setUp(async () => alive)
    await heartbeat.start()
    beat.mockRejectedValueOnce(new Error('no answer'))
    await heartbeat.ask()
    expect(listener.onFailure).toHaveBeenCalledOnce()
    beat.mockResolvedValue({ alive: false, fleet: 6, housekeepers: 3, owned: 0 })
    await heartbeat.ask()
    expect(listener.onMissing).toHaveBeenCalledOnce()
    await heartbeat.ask()
    expect(beat).toHaveBeenCalledTimes(3)
  })

  test('counts from the last of two beats that overtake each other', async () => {
    const { heartbeat, clock, beat } = setUp(async () => alive)
    await heartbeat.start()
    const answer = new Gate()
    beat.mockReturnValueOnce(answer.opened.then(() => alive))
    const early = heartbeat.ask()
    await clock.advance(100)
    await heartbeat.ask()
    const { renewedAt } = heartbeat
    answer.open()
    await early
    expect(heartbeat.renewedAt).toBe(renewedAt)
  })

  test('gives up at once when it has been declared missing', async () => {
    const { heartbeat, clock, beat, listener } = setUp(async () => alive)
    await heartbeat.start()
    beat.mockResolvedValue({ alive: false, fleet: 6, housekeepers: 3, owned: 0 })
    await clock.advance(ttlMs / 3)
    expect(listener.onMissing).toHaveBeenCalledOnce()
    expect(listener.onBeat).toHaveBeenCalledTimes(1)
  })

  test('gives up once, and beats no more', async () => {
    const { heartbeat, clock, beat, listener } = setUp(async () => alive)
    await heartbeat.start()
    beat.mockResolvedValue({ alive: false, fleet: 6, housekeepers: 3, owned: 0 })
    await clock.advance(ttlMs / 3)
    await clock.advance(10 * ttlMs)
    expect(beat).toHaveBeenCalledTimes(2)
    expect(listener.onMissing).toHaveBeenCalledOnce()
    expect(clock.pauses).toEqual([])
  })

  test('beats no more once it has stopped, and is not missing then', async () => {
    const { heartbeat, clock, beat, listener } = setUp(async () => alive)
    await heartbeat.start()
    heartbeat.stop()
    await clock.advance(10 * ttlMs)
    expect(beat).toHaveBeenCalledTimes(1)
    expect(listener.onMissing).not.toHaveBeenCalled()
  })

  test('stops although a beat hangs, whose late answer counts no more', async () => {
    const { heartbeat, clock, beat, listener } = setUp(async () => alive)
    await heartbeat.start()
    let answer: (late: Beat) => void = () => undefined
    beat.mockReturnValue(new Promise((resolve) => (answer = resolve)))
    await clock.advance(ttlMs / 3)
    heartbeat.stop()
    answer({ ...alive, alive: false })
    await clock.advance(ttlMs)
    expect(listener.onMissing).not.toHaveBeenCalled()
  })

  test('does not tell of a beat that fails once it has stopped', async () => {
    const { heartbeat, clock, beat, listener } = setUp(async () => alive)
    await heartbeat.start()
    const answer = new Gate()
    beat.mockReturnValue(answer.opened.then(() => Promise.reject(new Error('too late'))))
    await clock.advance(ttlMs / 3)
    heartbeat.stop()
    answer.open()
    await settled()
    expect(listener.onFailure).not.toHaveBeenCalled()
  })
})
