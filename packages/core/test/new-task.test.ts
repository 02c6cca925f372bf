import { describe, expect, test, vi } from 'vitest'
import { z } from 'zod'

import { defineTask } from '../src/definition.ts'
import { InvalidInputError, InvalidResourceError, NotJsonError } from '../src/errors.ts'
import { newTask } from '../src/new-task.ts'
import type { DispatchOptions } from '../src/new-task.ts'

const plain = defineTask({ name: 'plain', run: (_input: unknown) => 1 })

describe('newTask', () => {
  test('fills in what neither definition nor dispatch say', async () => {
    expect(await newTask('id', plain, { a: 1 })).toEqual({
      id: 'id',
      name: 'plain',
      input: { a: 1 },
      resources: { exclusive: [], shared: [] },
      queue: 'default',
      priority: 0,
    })
  })

  const particular = defineTask({ name: 'particular', queue: 'slow', priority: 5, run: () => 1 })

  test("takes the definition's queue and priority", async () => {
    const task = await newTask('id', particular, undefined)
    expect(task).toMatchObject({ queue: 'slow', priority: 5 })
  })

  test('prefers those of the dispatch', async () => {
    const task = await newTask('id', particular, undefined, { queue: 'fast', priority: 0 })
    expect(task).toMatchObject({ queue: 'fast', priority: 0 })
  })

  test('carries a timeout in milliseconds, and nothing where there is none', async () => {
    const task = await newTask('id', plain, 1, { timeout: '1.5s' })
    expect(task.options).toEqual({ timeoutMs: 1_500 })
    expect(await newTask('id', plain, 1)).not.toHaveProperty('options')
  })

  test('notes the parent', async () => {
    expect(await newTask('id', plain, 1, { parentId: 'parent' })).toMatchObject({
      parentId: 'parent',
    })
  })

  test.each<[string, DispatchOptions]>([
    ['an empty queue', { queue: '' }],
    ['an overlong queue', { queue: 'q'.repeat(101) }],
    ['a queue with a NUL character', { queue: 'a\0' }],
    ['a queue with half a surrogate pair', { queue: 'a\ud83d' }],
    ['a queue that is no string', { queue: 5 as unknown as string }],
    ['half a priority', { priority: 0.5 }],
    ['a priority that is no number', { priority: '1' as unknown as number }],
    ['too high a priority', { priority: 1_000_001 }],
    ['too low a priority', { priority: -1_000_001 }],
    ['a priority that is not a number', { priority: Number.NaN }],
    ['a timeout that is no duration', { timeout: 'soon' as '1s' }],
    ['a timeout of no time', { timeout: '0s' }],
  ])('refuses %s', async (_, options) => {
    await expect(newTask('id', plain, 1, options)).rejects.toMatchObject({
      code: 'invalid_option',
      option: Object.keys(options)[0],
    })
  })

  test.each<[string, DispatchOptions, string]>([
    ['an empty key', { dedupe: '' }, 'dedupe'],
    ['a key of spaces', { dedupe: ' ' }, 'dedupe'],
    ['an overlong key', { dedupe: { key: 'k'.repeat(201) } }, 'dedupe'],
    ['a key with a NUL character', { dedupe: 'a\0' }, 'dedupe'],
    ['a key that is no string', { dedupe: { key: 5 as unknown as string } }, 'dedupe'],
    [
      'an unknown rule for twins',
      { dedupe: { key: 'k', ifTwin: 'wait' as 'skip' } },
      'dedupe.ifTwin',
    ],
    ['an unknown rule for the blocked', { ifBlocked: 'return' as 'skip' }, 'ifBlocked'],
    ['a delay without a unit', { delay: '5' as '5s' }, 'delay'],
    ['a negative delay', { delay: -1 }, 'delay'],
    ['a delay of centuries', { delay: '36526d' }, 'delay'],
    ['no moment at all', { runAt: new Date('never') }, 'runAt'],
    ['a moment in words', { runAt: 'tomorrow' as unknown as Date }, 'runAt'],
    ['a moment that no store keeps', { runAt: new Date(8.64e15) }, 'runAt'],
    ['both a delay and a moment', { delay: '5s', runAt: new Date() }, 'runAt'],
    ['to be of a group, and due later', { delay: '5s', group: crypto.randomUUID() }, 'group'],
    ['not to wait, and to be due later', { delay: '5s', ifBlocked: 'skip' }, 'ifBlocked'],
  ])('refuses %s', async (_, options, option) => {
    const error = { code: 'invalid_option', option }
    await expect(newTask('id', plain, 1, options)).rejects.toMatchObject(error)
  })

  test('returns a twin unless told otherwise', async () => {
    const keyed = { dedupeKey: 'k', ifTwin: 'return' }
    expect(await newTask('id', plain, 1, { dedupe: 'k' })).toMatchObject(keyed)
    expect(await newTask('id', plain, 1, { dedupe: { key: 'k' } })).toMatchObject(keyed)
  })

  test.each(['return', 'skip', 'replace'] as const)('takes a rule to %s a twin', async (ifTwin) => {
    const task = await newTask('id', plain, 1, { dedupe: { key: 'k'.repeat(200), ifTwin } })
    expect(task).toMatchObject({ dedupeKey: 'k'.repeat(200), ifTwin })
  })

  test('is conditional only where it was asked to be', async () => {
    const task = await newTask('id', plain, 1, { ifBlocked: 'wait' })
    expect(Object.keys(task)).not.toContain('ifBlocked')
    expect(Object.keys(task)).not.toContain('dedupeKey')
    expect(await newTask('id', plain, 1, { ifBlocked: 'fail' })).toMatchObject({
      ifBlocked: 'fail',
    })
  })

  test('carries what becomes of it when its worker goes, if that is not to fail', async () => {
    const retry = { limit: 1, keepPlace: true }
    const failing = defineTask({ name: 'failing', retry, run: () => undefined })
    expect(await newTask('id', failing, 1)).not.toHaveProperty('options')
    const again = { ...failing, ifWorkerMissing: 'retry' as const }
    const recovery = { limit: 1, delaysMs: [1_000], keepPlace: true }
    expect((await newTask('id', again, 1)).options).toEqual({ recovery })
    const options = { timeoutMs: 5, recovery }
    expect((await newTask('id', again, 1, { timeout: 5 })).options).toEqual(options)
  })

  test('is due after a delay, at a moment, or has no time at all', async () => {
    const runAt = new Date(2_000_000_000_000)
    expect(await newTask('id', plain, 1, { delay: '10m' })).toMatchObject({ delayMs: 600_000 })
    expect(await newTask('id', plain, 1, { runAt })).toMatchObject({ runAt })
    const keys = Object.keys(await newTask('id', plain, 1, {}))
    expect(keys.filter((key) => key === 'delayMs' || key === 'runAt')).toEqual([])
  })

  test.each([1_000_000, -1_000_000])('takes a priority of %d', async (priority) => {
    expect((await newTask('id', plain, 1, { priority })).priority).toBe(priority)
  })
})

describe('the input of a new task', () => {
  const since = defineTask({
    name: 'since',
    input: z.object({ since: z.coerce.date() }),
    resources: (input) => ({ exclusive: [`year:${input.since.getUTCFullYear()}`] }),
    run: () => 1,
  })

  test('is stored as it was given, in JSON', async () => {
    const task = await newTask('id', since, { since: new Date(0) })
    expect(task.input).toEqual({ since: '1970-01-01T00:00:00.000Z' })
  })

  test('is parsed from its stored form for the resources', async () => {
    const task = await newTask('id', since, { since: new Date(0) })
    expect(task.resources.exclusive).toEqual(['year:1970'])
  })

  test('is checked in its stored form, as the worker will get it', async () => {
    const dated = defineTask({ name: 'dated', input: z.date(), run: () => 1 })
    await expect(newTask('id', dated, new Date(0))).rejects.toThrow(InvalidInputError)
  })

  test('is refused where it is no JSON, with the name of the task', async () => {
    const dispatched = newTask('id', plain, { a: 1n })
    await expect(dispatched).rejects.toThrow(NotJsonError)
    await expect(dispatched).rejects.toThrow(/^The input of "plain" can't be stored/)
  })
})

describe('the resources of a new task', () => {
  test('may be the same for all tasks of a definition', async () => {
    const resources = { exclusive: ['b', 'a'], shared: ['c'] }
    const task = await newTask('id', defineTask({ name: 'fixed', resources, run: () => 1 }), null)
    expect(task.resources).toEqual({ exclusive: ['a', 'b'], shared: ['c'] })
  })

  test('may count units', async () => {
    const rule = ({ gpus }: { gpus: number }) => ({
      counted: [{ resource: 'gpu', amount: gpus, capacity: 8 }],
    })
    const training = defineTask({
      name: 'training',
      resources: rule,
      run: () => 1,
    })
    const { resources } = await newTask('id', training, { gpus: 2 })
    expect(resources.counted).toEqual([{ resource: 'gpu', amount: 2, capacity: 8 }])
    const tooMany = newTask('id', training, { gpus: 9 })
    await expect(tooMany).rejects.toThrow(InvalidResourceError)
  })

  test('are refused where a name is not valid', async () => {
    const resources = vi.fn(() => ({ shared: [''] }))
    const dispatched = newTask(
      'id',
      defineTask({ name: 'bad', resources, run: () => 1 }),
      undefined,
    )
    await expect(dispatched).rejects.toThrow(InvalidResourceError)
  })

  test('are not asked for when the input is not valid', async () => {
    const resources = vi.fn(() => ({}))
    const definition = defineTask({ name: 'strict', input: z.string(), resources, run: () => 1 })
    await expect(newTask('id', definition, 5)).rejects.toThrow(InvalidInputError)
    expect(resources).not.toHaveBeenCalled()
  })
})
