import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { InvalidResourceError } from '../src/errors.ts'
import { maxCapacity, maxResourceBytes, normalizeResources } from '../src/resource.ts'

describe('normalizeResources', () => {
  test.each([
    ['nothing', undefined],
    ['an empty request', {}],
    ['empty lists', { exclusive: [], shared: [], counted: [] }],
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

  test('counts one unit unless told otherwise, sorted by name', () => {
    const counted = [
      { resource: 'gpu', capacity: 8 },
      { resource: 'disk', amount: 3, capacity: 3 },
    ]
    expect(normalizeResources({ counted })).toEqual({
      ...{ exclusive: [], shared: [] },
      counted: [
        { resource: 'disk', amount: 3, capacity: 3 },
        { resource: 'gpu', amount: 1, capacity: 8 },
      ],
    })
  })

  test('prefers exclusive to counted, and counted to shared', () => {
    const counted = ['a', 'b', 'c'].map((resource) => ({ resource, capacity: 2 }))
    const request = { exclusive: ['a'], shared: ['a', 'b', 'd'], counted }
    expect(normalizeResources(request)).toEqual({
      ...{ exclusive: ['a'], shared: ['d'] },
      counted: ['b', 'c'].map((resource) => ({ resource, amount: 1, capacity: 2 })),
    })
  })

  test('has no list of counted ones where none is left', () => {
    const request = { exclusive: ['a'], counted: [{ resource: 'a', capacity: 1 }] }
    expect(normalizeResources(request)).toEqual({ exclusive: ['a'], shared: [] })
  })

  test('takes amounts up to the capacity, and capacities up to the largest', () => {
    for (const [amount, capacity] of [
      [1, 1],
      [1, maxCapacity],
      [maxCapacity, maxCapacity],
    ] as const) {
      const counted = [{ resource: 'gpu', amount, capacity }]
      expect(normalizeResources({ counted }).counted).toEqual(counted)
    }
  })

  test.each([
    ['no units', 0, 4, 'amount'],
    ['a negative amount', -1, 4, 'amount'],
    ['more than the capacity', 5, 4, 'amount'],
    ['part of a unit', 1.5, 4, 'amount'],
    ['an amount that is no number', '2', 4, 'amount'],
    ['an amount that is null', null, 4, 'amount'],
    ['an endless amount', Infinity, 4, 'amount'],
    ['no capacity', 1, undefined, 'capacity'],
    ['a capacity of nothing', 1, 0, 'capacity'],
    ['part of a unit for a capacity', 1, 2.5, 'capacity'],
    ['too large a capacity', 1, maxCapacity + 1, 'capacity'],
    ['a capacity that is no number', 1, '4', 'capacity'],
    ['a capacity that is not a number', 1, Number.NaN, 'capacity'],
  ])('refuses %s', (_, amount, capacity, why) => {
    const error = errorOf({ counted: [{ resource: 'gpu', amount, capacity }] })
    expect(error).toMatchObject({ code: 'invalid_resource', resource: 'gpu' })
    expect(error.message).toContain(`its ${why} must be`)
  })

  test('refuses to count a resource twice, even where it is exclusive', () => {
    const counted = [2, 3].map((amount) => ({ resource: 'gpu', amount, capacity: 4 }))
    for (const request of [{ counted }, { counted, exclusive: ['gpu'] }]) {
      expect(errorOf(request).message).toContain('counted twice')
    }
  })

  test.each([
    ['a name in place of an object', 'gpu', 'is { resource, amount, capacity }'],
    ['null in place of an object', null, 'is { resource, amount, capacity }'],
    ['an object without a name', { capacity: 1 }, 'a name is a string'],
    ['an empty name', { resource: '', capacity: 1 }, 'the name is empty'],
  ])('refuses %s among the counted ones', (_, entry, why) => {
    expect(errorOf({ counted: [{ resource: 'fine', capacity: 1 }, entry] }).message).toContain(why)
  })

  test('refuses an object in place of the list of counted ones', () => {
    const error = errorOf({ counted: { resource: 'gpu', capacity: 1 } })
    expect(error.message).toContain('"counted" must be an array')
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
