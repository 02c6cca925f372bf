import { describe, expect, test } from 'vitest'

import { durationText, milliseconds } from '../src/duration.ts'
import type { Duration } from '../src/duration.ts'
import { InvalidOptionError } from '../src/errors.ts'

describe('milliseconds', () => {
  test.each<[Duration, number]>([
    [0, 0],
    [1_500, 1_500],
    [0.5, 0.5],
    ['500ms', 500],
    ['5s', 5_000],
    ['1.5s', 1_500],
    ['10m', 600_000],
    ['2h', 7_200_000],
    ['7d', 604_800_000],
    ['0s', 0],
  ])('of %o is %d', (duration, ms) => {
    expect(milliseconds(duration)).toBe(ms)
  })

  test.each<[string, unknown]>([
    ['a number without a unit', '5'],
    ['an unknown unit', '5w'],
    ['a unit alone', 's'],
    ['a word for a unit', '5 seconds'],
    ['a negative number', -1],
    ['a negative duration', '-5s'],
    ['not a number', Number.NaN],
    ['no end', Number.POSITIVE_INFINITY],
    ['an empty string', ''],
    ['two durations', '1h30m'],
    ['text around', 'in 5s'],
    ['an exponent', '1e3s'],
    ['null', null],
    ['undefined', undefined],
    ['a list', ['5s', '6s']],
  ])('refuses %s', (_, duration) => {
    expect(() => milliseconds(duration as Duration)).toThrow(InvalidOptionError)
  })

  test('names the option in the error, and what would do', () => {
    expect(() => milliseconds('soon' as Duration, 'ttl')).toThrow(
      /^ttl: "soon" is not a duration such as '500ms'/,
    )
  })
})

describe('durationText', () => {
  test.each([
    [0, '0ms'],
    [1_500, '1500ms'],
    [0.6, '1ms'],
    [90_000, '90s'],
    [600_000, '10m'],
    [7_200_000, '2h'],
    [604_800_000, '7d'],
  ])('of %d is %s, which is read as the same', (ms, text) => {
    expect(durationText(ms)).toBe(text)
    expect(milliseconds(text as Duration)).toBe(Math.round(ms))
  })
})
