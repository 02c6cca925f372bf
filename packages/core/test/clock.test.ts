import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

import { systemClock } from '../src/clock.ts'

describe('systemClock', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  test('tells the time', () => {
    vi.setSystemTime('2026-01-02T03:04:05Z')
    expect(systemClock.now()).toEqual(new Date('2026-01-02T03:04:05Z'))
  })

  test('sleeps as long as told', async () => {
    const woken = vi.fn<() => void>()
    void systemClock.sleep(1_000).then(woken)
    await vi.advanceTimersByTimeAsync(999)
    expect(woken).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    expect(woken).toHaveBeenCalled()
  })

  test('wakes when the signal aborts, and leaves no timer', async () => {
    const abort = new AbortController()
    const sleep = systemClock.sleep(60_000, abort.signal)
    abort.abort()
    await sleep
    expect(vi.getTimerCount()).toBe(0)
  })

  test('does not sleep with a signal that has aborted', async () => {
    await systemClock.sleep(60_000, AbortSignal.abort())
    expect(vi.getTimerCount()).toBe(0)
  })

  test('lets go of the signal when it wakes by itself', async () => {
    const { signal } = new AbortController()
    const remove = vi.spyOn(signal, 'removeEventListener')
    const sleep = systemClock.sleep(10, signal)
    await vi.advanceTimersByTimeAsync(10)
    await sleep
    expect(remove).toHaveBeenCalledOnce()
  })

  // Node's timers end at 2 ** 31 - 1 ms: what is longer fires after a millisecond.
  test('sleeps for a month', async () => {
    const woken = vi.fn<() => void>()
    const monthMs = 31 * 86_400_000
    void systemClock.sleep(monthMs).then(woken)
    await vi.advanceTimersByTimeAsync(86_400_000)
    expect(woken).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(monthMs)
    expect(woken).toHaveBeenCalled()
  })

  test.each([
    ['the longest timer there is', 2 ** 31 - 1],
    ['twice that', 2 * (2 ** 31 - 1)],
  ])('sleeps for %s', async (_, ms) => {
    const woken = vi.fn<() => void>()
    void systemClock.sleep(ms).then(woken)
    await vi.advanceTimersByTimeAsync(ms - 1)
    expect(woken).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    expect(woken).toHaveBeenCalled()
  })

  test('wakes from the longest sleep when the signal aborts', async () => {
    const abort = new AbortController()
    const sleep = systemClock.sleep(90 * 86_400_000, abort.signal)
    await vi.advanceTimersByTimeAsync(30 * 86_400_000)
    abort.abort()
    await sleep
    expect(vi.getTimerCount()).toBe(0)
  })
})
