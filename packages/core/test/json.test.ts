import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { NotJsonError } from '../src/errors.ts'
import { storableText, throughJson } from '../src/json.ts'

/** Text full of what could confuse a reader of JSON: backslashes, escapes, NUL, half pairs. */
const nastyText = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '\\',
        '\\\\',
        'u',
        'u0000',
        'ud800',
        '\0',
        '\ud800',
        '\udfff',
        '😀',
        '"',
        'a',
      ),
      fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(''))

const storable = (text: string) => !text.includes('\0') && text.isWellFormed()

describe('throughJson', () => {
  test.each<[string, unknown, unknown]>([
    ['undefined', undefined, null],
    ['null', null, null],
    ['a string', 'text', 'text'],
    ['a number', 1.5, 1.5],
    ['not a number', Number.NaN, null],
    ['a date', new Date(0), '1970-01-01T00:00:00.000Z'],
    ['a URL', new URL('https://example.org/a'), 'https://example.org/a'],
    ['undefined in an object', { a: undefined, b: 1 }, { b: 1 }],
    ['undefined in a list', [undefined, 1], [null, 1]],
    ['a function in an object', { f: () => 1, b: 1 }, { b: 1 }],
    ['a map', new Map([['a', 1]]), {}],
    ['an escaped NUL that is no NUL', '\\u0000', '\\u0000'],
    ['an escaped surrogate that is none', '\\ud800', '\\ud800'],
    ['an even number of backslashes before it', '\\\\u0000', '\\\\u0000'],
    ['a surrogate pair', '😀', '😀'],
  ])('gives %s as any store will', (_, value, form) => {
    expect(throughJson(value, 'input')).toEqual(form)
  })

  test('gives a copy', () => {
    const value = { list: [1] }
    const copy = throughJson(value, 'input')
    value.list.push(2)
    expect(copy).toEqual({ list: [1] })
  })

  test.each<[string, unknown]>([
    ['a NUL character', 'a\0b'],
    ['a NUL character after a backslash', '\\\0'],
    ['a NUL character after text that looks like one', '\\u0000\0'],
    ['a NUL character deep inside', { a: [{ b: '\0' }] }],
    ['a NUL character in a key', { 'a\0': 1 }],
    ['the first half of a surrogate pair', '\ud83d'],
    ['the second half of a surrogate pair', { a: 'x\ude00' }],
    ['half a pair after a backslash', '\\\ud83d'],
    ['half a pair in a key', { '\ud83d': 1 }],
  ])('refuses %s', (_, value) => {
    expect(() => throughJson(value, 'input of "t"')).toThrow(
      /^The input of "t" can't be stored as JSON: it holds a NUL character or half a surrogate/,
    )
  })

  test('refuses text exactly when PostgreSQL would', () => {
    fc.assert(
      fc.property(nastyText, (text) => {
        if (storable(text)) expect(throughJson({ [text]: text }, 'input')).toEqual({ [text]: text })
        else expect(() => throughJson([text], 'input')).toThrow(NotJsonError)
      }),
      { numRuns: 1_000 },
    )
  })

  test('refuses a cycle, and keeps what was said of it', () => {
    const cycle: { self?: unknown } = {}
    cycle.self = cycle
    const error = errorOf(cycle)
    expect(error).toMatchObject({ code: 'not_json', cause: expect.any(TypeError) })
    expect(error.message).toMatch(/circular/)
  })

  test.each<[string, unknown, string]>([
    ['a bigint', { a: 1n }, 'BigInt'],
    ['a function', () => 1, 'a function has no JSON form'],
    ['a symbol', Symbol('s'), 'a symbol has no JSON form'],
    ['a form that cannot be made', { toJSON: () => JSON.parse('{') as unknown }, 'JSON'],
  ])('refuses %s', (_, value, why) => {
    expect(errorOf(value).message).toContain(why)
  })
})

describe('storableText', () => {
  test('is the text itself where it can be stored', () => {
    expect(storableText('fine: \\u0000 😀')).toBe('fine: \\u0000 😀')
  })

  test('puts U+FFFD in the place of what cannot be stored', () => {
    expect(storableText('a\0b\ud83dc\ude00')).toBe('a\ufffdb\ufffdc\ufffd')
  })

  test('gives what throughJson takes', () => {
    fc.assert(fc.property(nastyText, (text) => storable(storableText(text))))
  })
})

function errorOf(value: unknown): NotJsonError {
  try {
    throughJson(value, 'input')
  } catch (error) {
    expect(error).toBeInstanceOf(NotJsonError)
    return error as NotJsonError
  }
  throw new Error('The value was taken.')
}
