import { MemoryStore } from '@tasking/core'
import type { Store } from '@tasking/core'
import { afterEach, describe, expect, test, vi } from 'vitest'

import { DueAlarm } from '../src/due-alarm.ts'
import { forwardingStore } from './forwarding-store.ts'
import { handClock } from './hand-clock.ts'

afterEach(() => void vi.restoreAllMocks())

function setUp() {
  const clock = handClock()
  // Without jitter: the first of the fleet.
  vi.spyOn(clock, 'random').mockReturnValue(0)
  const promote = vi.fn<Store['promote']>(async () => ({ promoted: 1, nextDueMs: null }))
  const listener = { onFailure: vi.fn<(error: unknown) => void>() }
  const alarm = new DueAlarm(forwardingStore(new MemoryStore(), { promote }), clock, listener)
  alarm.start()
  return { clock, promote, listener, alarm }
}

describe('DueAlarm', () => {
  test('never rings unless something will be due', async () => {
    const { clock, promote, alarm } = setUp()
    alarm.expect(null)
    await clock.advance(86_400_000)
    expect(promote).not.toHaveBeenCalled()
  })

  test('rings when something is due, and once', async () => {
    const { clock, promote, alarm } = setUp()
    alarm.expect(300)
    await clock.advance(299)
    expect(promote).not.toHaveBeenCalled()
    await clock.advance(1)
    expect(promote).toHaveBeenCalledTimes(1)
    await clock.advance(86_400_000)
    expect(promote).toHaveBeenCalledTimes(1)
  })

  test('rings for the earliest, whatever is said later', async () => {
    const { clock, promote, alarm } = setUp()
    alarm.expect(5_000)
    alarm.expect(200)
    alarm.expect(null)
    alarm.expect(400)
    await clock.advance(200)
    expect(promote).toHaveBeenCalledTimes(1)
  })

  test('rings again when the next one is due', async () => {
    const { clock, promote, alarm } = setUp()
    promote.mockResolvedValueOnce({ promoted: 1, nextDueMs: 700 })
    alarm.expect(0)
    await clock.advance(0)
    expect(promote).toHaveBeenCalledTimes(1)
    await clock.advance(699)
    expect(promote).toHaveBeenCalledTimes(1)
    await clock.advance(1)
    expect(promote).toHaveBeenCalledTimes(2)
  })

  test('keeps what it is told while it looks', async () => {
    const { clock, promote, alarm } = setUp()
    promote.mockImplementationOnce(async () => {
      alarm.expect(50)
      return { promoted: 0, nextDueMs: null }
    })
    alarm.expect(0)
    await clock.advance(49)
    expect(promote).toHaveBeenCalledTimes(1)
    await clock.advance(1)
    expect(promote).toHaveBeenCalledTimes(2)
  })

  test('asks ever more seldom for what is left because of a dispatcher', async () => {
    const { clock, promote, alarm } = setUp()
    promote.mockResolvedValue({ promoted: 0, nextDueMs: 0 })
    alarm.expect(0)
    await clock.advance(10_000)
    const calls = promote.mock.calls.length
    expect(calls).toBeGreaterThan(10)
    expect(calls).toBeLessThan(20)
  })

  test('tries again a second after a failure', async () => {
    const { clock, promote, listener, alarm } = setUp()
    const failure = new Error('no answer')
    promote.mockRejectedValueOnce(failure)
    alarm.expect(0)
    await clock.advance(999)
    expect(listener.onFailure.mock.calls).toEqual([[failure]])
    await clock.advance(1)
    expect(promote).toHaveBeenCalledTimes(2)
  })

  test('spreads a large fleet, within 200 a second', async () => {
    const { clock, promote, alarm } = setUp()
    vi.spyOn(clock, 'random').mockReturnValue(0.5)
    alarm.housekeepers = 1_000
    alarm.expect(100)
    await clock.advance(2_599)
    expect(promote).not.toHaveBeenCalled()
    await clock.advance(1)
    expect(promote).toHaveBeenCalledTimes(1)
  })

  test('rings no more once it has stopped', async () => {
    const { clock, promote, alarm } = setUp()
    alarm.expect(100)
    await alarm.stop()
    await clock.advance(1_000)
    expect(promote).not.toHaveBeenCalled()
    expect(clock.pauses).toEqual([])
  })
})
