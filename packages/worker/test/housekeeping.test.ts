import { afterEach, describe, expect, test, vi } from 'vitest'

import { Housekeeping } from '../src/housekeeping.ts'
import type { Duty } from '../src/housekeeping.ts'
import { handClock } from './hand-clock.ts'

afterEach(() => void vi.restoreAllMocks())

function setUp(periodMs = 2_000) {
  const clock = handClock()
  const run = vi.fn<Duty['run']>(async () => ({}))
  const other = vi.fn<Duty['run']>(async () => ({}))
  const onFailure = vi.fn<(duty: string, error: unknown) => void>()
  const duties = [
    { name: 'one', periodMs, run },
    { name: 'other', periodMs: 5_000, run: other },
  ]
  const housekeeping = new Housekeeping(duties, clock, { onFailure })
  return { clock, run, other, onFailure, housekeeping }
}

describe('Housekeeping', () => {
  test('does each duty in its own period', async () => {
    const { clock, run, other, housekeeping } = setUp()
    housekeeping.start()
    await clock.advance(1_999)
    expect(run).not.toHaveBeenCalled()
    await clock.advance(1)
    expect(run).toHaveBeenCalledTimes(1)
    await clock.advance(8_000)
    expect(run).toHaveBeenCalledTimes(5)
    expect(other).toHaveBeenCalledTimes(2)
  })

  test('does them at moments of its own, half a period to either side', async () => {
    const { clock, run, housekeeping } = setUp()
    vi.spyOn(clock, 'random').mockReturnValueOnce(0).mockReturnValueOnce(0.5).mockReturnValueOnce(1)
    housekeeping.start()
    await clock.advance(1_000)
    expect(run).toHaveBeenCalledTimes(1)
    await clock.advance(2_999)
    expect(run).toHaveBeenCalledTimes(1)
    await clock.advance(1)
    expect(run).toHaveBeenCalledTimes(2)
  })

  test('does a seldom duty soon after the start, and then in its period', async () => {
    const { clock, run, housekeeping } = setUp(3_600_000)
    housekeeping.start()
    await clock.advance(60_000)
    expect(run).toHaveBeenCalledTimes(1)
    await clock.advance(3_599_999)
    expect(run).toHaveBeenCalledTimes(1)
    await clock.advance(1)
    expect(run).toHaveBeenCalledTimes(2)
  })

  test('leaves them to others the more, the more there are', async () => {
    const { clock, run, housekeeping } = setUp()
    housekeeping.housekeepers = 40
    const random = vi.spyOn(clock, 'random').mockReturnValue(0.1)
    housekeeping.start()
    await clock.advance(20_000)
    expect(run).not.toHaveBeenCalled()
    random.mockReturnValue(0.099)
    await clock.advance(3 * 2_000 * 0.6)
    expect(run).toHaveBeenCalledTimes(3)
  })

  test('does them within their period when the others are gone, however many there were', async () => {
    const { clock, run, housekeeping } = setUp()
    housekeeping.housekeepers = 1_000
    housekeeping.start()
    await clock.advance(20_999)
    expect(run).not.toHaveBeenCalled()
    housekeeping.housekeepers = 1
    await clock.advance(2_000)
    expect(run).toHaveBeenCalledTimes(1)
  })

  test('comes back when there is something to do, but no later than otherwise', async () => {
    const { clock, run, housekeeping } = setUp()
    run.mockResolvedValueOnce({ nextInMs: 300 }).mockResolvedValueOnce({ nextInMs: 9_000 })
    housekeeping.start()
    await clock.advance(2_000)
    expect(run).toHaveBeenCalledTimes(1)
    await clock.advance(300)
    expect(run).toHaveBeenCalledTimes(2)
    await clock.advance(2_000)
    expect(run).toHaveBeenCalledTimes(3)
  })

  test('leaves the next moment to others now and then, where it was too late for this one', async () => {
    const { clock, run, housekeeping } = setUp()
    housekeeping.housekeepers = 5
    run
      .mockResolvedValueOnce({ nextInMs: 300, worked: true })
      .mockResolvedValueOnce({ nextInMs: 300, worked: false })
    housekeeping.start()
    await clock.advance(2_300)
    expect(run).toHaveBeenCalledTimes(2)
    await clock.advance(1_999)
    expect(run).toHaveBeenCalledTimes(2)
    await clock.advance(1)
    expect(run).toHaveBeenCalledTimes(3)
  })

  test('goes on after a failure', async () => {
    const { clock, run, onFailure, housekeeping } = setUp()
    const failure = new Error('no answer')
    run.mockRejectedValueOnce(failure)
    housekeeping.start()
    await clock.advance(2_000)
    expect(onFailure.mock.calls).toEqual([['one', failure]])
    await clock.advance(2_000)
    expect(run).toHaveBeenCalledTimes(2)
  })

  test('does not let one that takes long hold up the others', async () => {
    const { clock, run, other, housekeeping } = setUp()
    run.mockImplementation((signal) => clock.sleep(1_000_000, signal).then(() => ({})))
    housekeeping.start()
    await clock.advance(20_000)
    expect(other).toHaveBeenCalledTimes(4)
    await housekeeping.stop()
  })

  test('is done once, however often it is started', async () => {
    const { clock, run, housekeeping } = setUp()
    housekeeping.start()
    housekeeping.start()
    await clock.advance(2_000)
    expect(run).toHaveBeenCalledTimes(1)
  })

  test('is done no more once it has stopped', async () => {
    const { clock, run, housekeeping } = setUp()
    housekeeping.start()
    await housekeeping.stop()
    await clock.advance(20_000)
    expect(run).not.toHaveBeenCalled()
    expect(clock.pauses).toEqual([])
  })

  test('can be stopped without having been started', async () => {
    await setUp().housekeeping.stop()
  })
})
