import { MemoryStore } from '@tasking/core'
import type { HousekeepingReport, Store } from '@tasking/core'
import { afterEach, describe, expect, test, vi } from 'vitest'

import { Housekeeping } from '../src/housekeeping.ts'
import { forwardingStore } from './forwarding-store.ts'
import { HandClock } from './hand-clock.ts'

const report: HousekeepingReport = { done: true, missingWorkers: [], lostTasks: 0, unblocked: 1 }

afterEach(() => void vi.restoreAllMocks())

function setUp(ttlMs = 30_000) {
  const clock = new HandClock()
  const housekeep = vi.fn<Store['housekeep']>(async () => report)
  const listener = {
    onReport: vi.fn<(report: HousekeepingReport) => void>(),
    onFailure: vi.fn<(error: unknown) => void>(),
  }
  const store = forwardingStore(new MemoryStore(), { housekeep })
  const housekeeping = new Housekeeping(store, clock, ttlMs, listener)
  return { clock, housekeep, listener, housekeeping }
}

describe('Housekeeping', () => {
  test.each([
    ['every two seconds', 30_000, 2_000],
    ['every third of a short TTL', 1_500, 500],
  ])('is done %s', async (_, ttlMs, periodMs) => {
    const { clock, housekeep, housekeeping } = setUp(ttlMs)
    housekeeping.start()
    await clock.advance(periodMs - 1)
    expect(housekeep).not.toHaveBeenCalled()
    await clock.advance(1)
    expect(housekeep).toHaveBeenCalledTimes(1)
    await clock.advance(4 * periodMs)
    expect(housekeep).toHaveBeenCalledTimes(5)
  })

  test('is done at moments of its own, half a period to either side', async () => {
    const { clock, housekeep, housekeeping } = setUp()
    vi.spyOn(clock, 'random').mockReturnValueOnce(0).mockReturnValueOnce(1)
    housekeeping.start()
    await clock.advance(1_000)
    expect(housekeep).toHaveBeenCalledTimes(1)
    await clock.advance(2_999)
    expect(housekeep).toHaveBeenCalledTimes(1)
    await clock.advance(1)
    expect(housekeep).toHaveBeenCalledTimes(2)
  })

  test('is left to others the more, the more there are', async () => {
    const { clock, housekeep, housekeeping } = setUp()
    housekeeping.fleet = 40
    housekeeping.start()
    await clock.advance(19_999)
    expect(housekeep).not.toHaveBeenCalled()
    await clock.advance(1)
    expect(housekeep).toHaveBeenCalledTimes(1)
  })

  test('tells what it found', async () => {
    const { clock, listener, housekeeping } = setUp()
    housekeeping.start()
    await clock.advance(2_000)
    expect(listener.onReport.mock.calls).toEqual([[report]])
  })

  test('goes on after a failure', async () => {
    const { clock, housekeep, listener, housekeeping } = setUp()
    const failure = new Error('no answer')
    housekeep.mockRejectedValueOnce(failure)
    housekeeping.start()
    await clock.advance(2_000)
    expect(listener.onFailure.mock.calls).toEqual([[failure]])
    await clock.advance(2_000)
    expect(listener.onReport).toHaveBeenCalledOnce()
  })

  test('is done once, however often it is started', async () => {
    const { clock, housekeep, housekeeping } = setUp()
    housekeeping.start()
    housekeeping.start()
    await clock.advance(2_000)
    expect(housekeep).toHaveBeenCalledTimes(1)
  })

  test('is done no more once it has stopped', async () => {
    const { clock, housekeep, housekeeping } = setUp()
    housekeeping.start()
    await housekeeping.stop()
    await clock.advance(20_000)
    expect(housekeep).not.toHaveBeenCalled()
    expect(clock.pauses).toEqual([])
  })

  test('can be stopped without having been started', async () => {
    await setUp().housekeeping.stop()
  })
})
