import { describe, expect, test } from 'vitest'
import { z } from 'zod'

import { defineTask } from '../src/definition.ts'
import { InvalidOptionError } from '../src/errors.ts'

describe('defineTask', () => {
  test('gives the definition back as it is', () => {
    const definition = {
      name: 'repository.sync',
      input: z.object({ repository: z.string() }),
      resources: { exclusive: ['a'] },
      queue: 'slow',
      priority: 5,
      isolation: 'process' as const,
      timeout: '2h' as const,
      grace: 0,
      run: () => 1,
    }
    expect(defineTask(definition)).toBe(definition)
  })

  test.each([
    ['the longest name', 'a'.repeat(200)],
    ['any characters', 'Sync: "repository" 😀'],
  ])('takes %s', (_, name) => {
    expect(defineTask({ name, run: () => 1 }).name).toBe(name)
  })

  test.each<[string, unknown]>([
    ['an empty name', ''],
    ['a blank name', ' \n'],
    ['an overlong name', 'a'.repeat(201)],
    ['a NUL character', 'a\0'],
    ['half a surrogate pair', 'a\ud83d'],
    ['no name', undefined],
    ['a number', 42],
  ])('refuses %s', (_, name) => {
    const define = () => defineTask({ name: name as string, run: () => 1 })
    expect(define).toThrow(InvalidOptionError)
  })

  test.each<[string, object]>([
    ['an isolation that there is not', { isolation: 'container' }],
    ['a timeout that is no duration', { timeout: 'soon' }],
    ['no time at all', { timeout: 0 }],
    ['a grace that is no duration', { grace: '5' }],
  ])('refuses %s, and names the option', (_, options) => {
    const [option] = Object.keys(options)
    const define = () => defineTask({ name: 'a', run: () => 1, ...options })
    expect(define).toThrow(expect.objectContaining({ code: 'invalid_option', option }))
  })
})

test.each([
  ['a retry that has no limit', { retry: {} }, 'retry.limit'],
  ['a wish to retry without a policy', { ifWorkerMissing: 'retry' }, 'ifWorkerMissing'],
  ['an unknown rule', { retry: { limit: 1 }, ifWorkerMissing: 'wait' }, 'ifWorkerMissing'],
])('refuses %s', (_, wrong, option) => {
  const definition = { name: 'task', run: () => undefined, ...(wrong as object) }
  expect(() => defineTask(definition)).toThrow(
    expect.objectContaining({ code: 'invalid_option', option }),
  )
})
