import type { StandardSchemaV1 } from '@standard-schema/spec'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'

import { defineTask } from '../src/definition.ts'
import { InvalidInputError } from '../src/errors.ts'
import type { InputIssue } from '../src/errors.ts'
import { parseInput } from '../src/input.ts'
import type { JsonValue } from '../src/json.ts'

const parse = (schema: StandardSchemaV1, stored: JsonValue) =>
  parseInput(defineTask({ name: 'sync', input: schema, run: () => 1 }), stored)

async function issuesOf(schema: StandardSchemaV1, stored: JsonValue) {
  const error: unknown = await parse(schema, stored).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(InvalidInputError)
  return (error as InvalidInputError).issues
}

/** A schema that finds one thing wrong, at this path. */
const complaining = (issue: StandardSchemaV1.Issue): StandardSchemaV1 => ({
  '~standard': { version: 1, vendor: 'test', validate: () => ({ issues: [issue] }) },
})

describe('parseInput without a schema', () => {
  const plain = defineTask({ name: 'plain', run: (_input: JsonValue) => 1 })

  test('gives what was stored', async () => {
    expect(await parseInput(plain, { a: [1] })).toEqual({ a: [1] })
  })

  test('gives undefined to a task that was dispatched without an input', async () => {
    expect(await parseInput(plain, null)).toBeUndefined()
  })
})

describe('parseInput with a schema', () => {
  test('gives what the schema makes of it', async () => {
    const schema = z.object({
      count: z.coerce.number(),
      name: z.string().transform((name) => name.toUpperCase()),
      retries: z.number().default(3),
      since: z.coerce.date(),
    })
    const stored = { count: '5', name: 'debian', since: '2026-01-02T00:00:00.000Z' }
    expect(await parse(schema, stored)).toEqual({
      count: 5,
      name: 'DEBIAN',
      retries: 3,
      since: new Date('2026-01-02T00:00:00.000Z'),
    })
  })

  test('waits for a schema that takes its time', async () => {
    const schema = z.string().refine(async (text) => text === 'known', 'unknown')
    expect(await parse(schema, 'known')).toBe('known')
    expect(await issuesOf(schema, 'other')).toEqual([{ path: '', message: 'unknown' }])
  })

  test.each<[string, StandardSchemaV1, unknown]>([
    ['undefined to a schema that takes only that', z.undefined(), undefined],
    ['undefined to one that takes both', z.string().nullish(), undefined],
    ['null to one that takes only that', z.string().nullable(), null],
    ['a default', z.string().default('a'), 'a'],
    ['what a schema makes of undefined', z.undefined().transform(() => 'made'), 'made'],
  ])('gives %s where nothing was stored', async (_, schema, input) => {
    expect(await parse(schema, null)).toBe(input)
  })

  test('says what is wrong with a missing input, not with null', async () => {
    const issues = await issuesOf(z.object({ a: z.string() }), null)
    expect(issues).toEqual([{ path: '', message: expect.stringContaining('undefined') }])
  })

  test('names the place of everything that is wrong', async () => {
    const schema = z.object({
      repository: z.string(),
      remotes: z.array(z.object({ url: z.url() })),
    })
    const issues = await issuesOf(schema, { remotes: [{ url: 'https://a.example' }, { url: 'b' }] })
    expect(issues.map(({ path }) => path)).toEqual(['repository', 'remotes.1.url'])
  })

  test.each<[string, StandardSchemaV1.Issue['path'], string]>([
    ['no path', undefined, ''],
    ['an empty path', [], ''],
    ['plain keys', ['a', 0, 'b'], 'a.0.b'],
    ['segments', [{ key: 'a' }, { key: 0 }], 'a.0'],
    ['both', ['a', { key: 'b' }], 'a.b'],
    ['a symbol', [Symbol('s')], 'Symbol(s)'],
  ])('writes %s of an issue as text', async (_, path, text) => {
    const issue = { message: 'wrong', ...(path && { path }) }
    expect(await issuesOf(complaining(issue), 1)).toEqual<InputIssue[]>([
      { path: text, message: 'wrong' },
    ])
  })

  test('names the task in the error', async () => {
    await expect(parse(z.string(), 5)).rejects.toMatchObject({
      code: 'invalid_input',
      taskName: 'sync',
    })
  })
})
