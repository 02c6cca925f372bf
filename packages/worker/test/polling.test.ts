import { describe, expect, test } from 'vitest'

import { Polling } from '../src/polling.ts'

/** Without jitter: the middle of the range. */
const steady = () => 0.5

const pauses = (polling: Polling, count: number) =>
  Array.from({ length: count }, () => polling.next())

describe('Polling', () => {
  test('asks ever more seldom, down to its rest', () => {
    expect(pauses(new Polling(200, steady), 8)).toEqual([
      20, 30, 45, 67.5, 101.25, 151.875, 200, 200,
    ])
  })

  test('asks soon again after there was work', () => {
    const polling = new Polling(200, steady)
    pauses(polling, 8)
    polling.foundWork()
    expect(pauses(polling, 2)).toEqual([20, 30])
  })

  test('leaves it to the wake-ups where they arrive', () => {
    const polling = new Polling(200, steady)
    polling.wakeups = true
    expect(pauses(polling, 20).at(-1)).toBe(2_000)
  })

  test('stays within the budget of the fleet, however large', () => {
    const polling = new Polling(200, steady)
    polling.fleet = 1_000
    // 1,000 workers, 25 polls a second: one in 40 seconds each.
    expect(pauses(polling, 20).at(-1)).toBe(40_000)
  })

  test('keeps a large fleet from asking all at once after a burst', () => {
    const polling = new Polling(200, steady)
    polling.fleet = 1_000
    polling.foundWork()
    expect(polling.next()).toBe(20_000)
  })

  test('minds the budget as soon as it hears of the fleet', () => {
    const polling = new Polling(200, steady)
    pauses(polling, 6)
    polling.fleet = 1_000
    expect(polling.next()).toBeGreaterThanOrEqual(20_000)
  })

  test('spreads its pauses by a quarter to either side', () => {
    expect(new Polling(200, () => 0).next()).toBe(15)
    expect(new Polling(200, () => 1).next()).toBe(25)
  })

  test('answers a wake-up at once in a small fleet, and spreads a large one', () => {
    const polling = new Polling(200, steady)
    polling.fleet = 4
    expect(polling.answer(Infinity)).toBe(0)
    polling.fleet = 1_000
    expect(polling.answer(Infinity)).toBe(20_000)
  })

  test('leaves it to a poll that comes soon enough anyway, unless it is one of the few', () => {
    const polling = new Polling(200, steady)
    polling.fleet = 1_000
    expect(polling.answer(39_999)).toBe(39_999)
    expect(polling.answer(40_001)).toBe(20_000)
    const lucky = new Polling(200, () => 0.001)
    lucky.fleet = 1_000
    expect(lucky.answer(39_999, 1)).toBeLessThan(1)
  })

  test('lets as many of a large fleet ask soon as there are tasks, and a few more', () => {
    const soon = (tasks: number) => {
      let drawn = 0
      // Each worker draws whether it is one of those, and then its pause.
      const draw = () => ((drawn += 1) % 2 === 1 ? drawn / 2_000 : 0.5)
      const polling = new Polling(200, draw)
      polling.fleet = 1_000
      return Array.from({ length: 1_000 }, () => polling.answer(Infinity, tasks)).filter(
        (ms) => ms < 20_000,
      ).length
    }
    expect(soon(1)).toBe(6)
    expect(soon(100)).toBe(204)
    expect(soon(10_000)).toBe(1_000)
  })
})
