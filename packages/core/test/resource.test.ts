import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { InvalidResourceError } from '../src/errors.ts'
import { maxResourceBytes, normalizeResources } from '../src/resource.ts'

describe('normalizeResources', () => {
  test.each([
    ['nothing', undefined],
    ['an empty request', {}],
    ['empty lists', { exclusive: [], shared: [] }],
  ])('takes %s for no resources', (_, request) => {
    expect(normalizeResources(request)).toEqual({ exclusive: [], shared: [] })
  })

  test('sorts, and names each resource once', () => {
    const request = { exclusive: ['b', 'a', 'b'], shared: ['z', 'y', 'z'] }
    expect(normalizeResources(request)).toEqual({ exclusive: ['a', 'b'], shared: ['y', 'z'] })
  })

  test('reserves exclusively what is asked for in both ways', () => {
    const request = { exclusive: ['a'], shared: ['a', 'b'] }
    expect(normalizeResources(request)).toEqual({ exclusive: ['a'], shared: ['b'] })
  })

  test('leaves the request as it was', () => {
    const request = { exclusive: ['b', 'a'], shared: ['a'] }
    normalizeResources(request)
    expect(request).toEqual({ exclusive: ['b', 'a'], shared: ['a'] })
  })

  test('gives the same however the request is written', () => {
    const names = fc.array(fc.constantFrom('a', 'b', 'c', 'ä', '😀'))
    fc.assert(
      fc.property(names, names, (exclusive, shared) => {
        const form = normalizeResources({ exclusive, shared })
        const request = { exclusive: exclusive.toReversed(), shared: [...shared, ...exclusive] }
        expect(normalizeResources(request)).toEqual(form)
        expect(normalizeResources(form)).toEqual(form)
      }),
    )
  })

  test.each([
    ['the longest name', 'a'.repeat(maxResourceBytes)],
    ['the longest name of two-byte characters', 'ä'.repeat(maxResourceBytes / 2)],
    ['a whole surrogate pair', 'repo:😀'],
    ['spaces, quotes and backslashes', ` "x" 'y' \\u0000 {} `],
  ])('takes %s as it is', (_, name) => {
    expect(normalizeResources({ exclusive: [name] }).exclusive).toEqual([name])
  })

  test.each([
    ['an empty name', '', 'empty'],
    ['a NUL character', 'a\0b', 'NUL'],
    ['the first half of a surrogate pair', 'a\ud83d', 'surrogate'],
    ['the second half of a surrogate pair', '\ude00a', 'surrogate'],
    ['a name of too many bytes', 'a'.repeat(maxResourceBytes + 1), 'longer than'],
    ['few characters of many bytes', '😀'.repeat(maxResourceBytes / 4 + 1), 'longer than'],
    ['a number', 42, 'string'],
    ['null', null, 'string'],
    ['undefined', undefined, 'string'],
    ['an object', { name: 'a' }, 'string'],
  ])('refuses %s, in either mode', (_, name, why) => {
    for (const mode of ['exclusive', 'shared'] as const) {
      const error = errorOf({ [mode]: ['fine', name] })
      expect(error).toMatchObject({ code: 'invalid_resource', resource: name })
      expect(error.message).toContain(why)
    }
  })

  test.each([
    ['a string', 'repo:42'],
    ['null', null],
    ['a set', new Set(['a'])],
  ])('refuses %s in place of a list', (_, list) => {
    const error = errorOf({ shared: list })
    expect(error.message).toContain('"shared" must be an array')
  })
})

function errorOf(request: object): InvalidResourceError {
  try {
    normalizeResources(request)
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidResourceError)
    return error as InvalidResourceError
  }
  throw new Error('The request was taken.')
}
