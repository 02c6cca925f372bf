import { describe, expect, test } from 'vitest'
import { checkedTiming, firstTime, timeAfter } from '../src/timing.ts'
import type { Timing, TimingRequest } from '../src/timing.ts'

const at = (text: string) => new Date(text)

/** The first times after this one, as UTC. */
function times(timing: Timing, from: string, count: number): string[] {
  const found: string[] = []
  let last = firstTime(timing, at(from))
  while (found.length < count) {
    found.push(last.toISOString().slice(0, 16))
    const next = timeAfter(timing, last, last)
    if (next === null) break
    last = next
  }
  return found
}

const berlin = (cron: string) => checkedTiming({ cron, timeZone: 'Europe/Berlin' })

describe('a cron expression', () => {
  test('goes by UTC unless told otherwise', () => {
    const timing = checkedTiming({ cron: ' 0 3 * * 1-5 ' })
    expect(timing).toEqual({ cron: '0 3 * * 1-5', timeZone: 'UTC' })
    // A Friday.
    expect(times(timing, '2026-01-02T03:00:00Z', 2)).toEqual([
      '2026-01-05T03:00',
      '2026-01-06T03:00',
    ])
  })

  test('may have seconds, or a name', () => {
    const seconds = checkedTiming({ cron: '30 0 0 * * *' })
    expect(firstTime(seconds, at('2026-01-01T00:00:30Z'))).toEqual(at('2026-01-02T00:00:30Z'))
    expect(times(checkedTiming({ cron: '@weekly' }), '2026-01-01T00:00:00Z', 1)).toEqual([
      '2026-01-04T00:00',
    ])
  })

  test('in spring, a time that the clocks leave out comes when they have moved on', () => {
    expect(times(berlin('30 2 * * *'), '2026-03-28T00:00:00Z', 3)).toEqual([
      ...['2026-03-28T01:30', '2026-03-29T01:00', '2026-03-30T00:30'],
    ])
    // A list of times of day is as good as one.
    expect(times(berlin('0 2,4 * * *'), '2026-03-28T23:00:00Z', 2)).toEqual([
      ...['2026-03-29T01:00', '2026-03-29T02:00'],
    ])
  })

  test('in autumn, a time that the clocks show twice comes once', () => {
    expect(times(berlin('30 2 * * *'), '2026-10-24T12:00:00Z', 2)).toEqual([
      ...['2026-10-25T00:30', '2026-10-26T01:30'],
    ])
    expect(times(berlin('0 2,4 * * *'), '2026-10-24T12:00:00Z', 2)).toEqual([
      ...['2026-10-25T00:00', '2026-10-25T03:00'],
    ])
  })

  test('one for every hour goes on through both', () => {
    expect(times(berlin('0 * * * *'), '2026-03-29T00:30:00Z', 2)).toEqual([
      ...['2026-03-29T01:00', '2026-03-29T02:00'],
    ])
    expect(times(berlin('0 * * * *'), '2026-10-24T23:30:00Z', 3)).toEqual([
      ...['2026-10-25T00:00', '2026-10-25T01:00', '2026-10-25T02:00'],
    ])
  })
})

describe('an interval', () => {
  test('begins one interval from now, or where it is told to', () => {
    const now = at('2026-01-01T00:00:00Z')
    expect(firstTime(checkedTiming({ every: '90m' }), now)).toEqual(at('2026-01-01T01:30:00Z'))
    const first = at('2026-01-05T12:00:00Z')
    expect(firstTime(checkedTiming({ every: '1d', at: first }), now)).toEqual(first)
  })

  test('after an outage there is one time, and it goes on in step', () => {
    const timing = checkedTiming({ every: '1h' })
    const last = at('2026-01-01T00:15:00Z')
    expect(timeAfter(timing, last, at('2026-01-03T07:20:00Z'))).toEqual(at('2026-01-03T08:15:00Z'))
    expect(timeAfter(timing, last, last)).toEqual(at('2026-01-01T01:15:00Z'))
  })
})

test('a single time comes once, also when it is over already', () => {
  const timing = checkedTiming({ at: at('2026-01-01T00:00:00Z') })
  expect(timing).toEqual({ at: '2026-01-01T00:00:00.000Z' })
  expect(firstTime(timing, at('2026-05-01T00:00:00Z'))).toEqual(at('2026-01-01T00:00:00Z'))
  expect(timeAfter(timing, at('2026-01-01T00:00:00Z'), at('2026-01-01T00:00:00Z'))).toBeNull()
})

test.each<[string, object]>([
  ['cron', { cron: 'whenever' }],
  ['cron', { cron: '61 * * * *' }],
  ['cron', { cron: '0 0 30 2 *' }],
  ['cron', { cron: '2026-01-01T00:00:00' }],
  ['cron', { cron: 5 }],
  ['timeZone', { cron: '0 3 * * *', timeZone: 'Mars/Olympus' }],
  ['timeZone', { every: '1h', timeZone: 'Europe/Berlin' }],
  ['every', { every: '500ms' }],
  ['every', { every: 'often' }],
  ['at', { at: new Date('soon') }],
  ['at', { at: '2026-01-01' }],
  ['timing', {}],
  ['timing', { cron: '0 3 * * *', every: '1h' }],
])('refuses %s in %j', (option, request) => {
  expect(() => checkedTiming(request as TimingRequest)).toThrow(
    expect.objectContaining({ code: 'invalid_option', option }),
  )
})
