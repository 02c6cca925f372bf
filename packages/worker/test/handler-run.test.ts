import { createTasking, defineTask, MemoryStore, silentLogger } from '@tasking/core'
import type { AnyTaskDefinition, ClaimedTask, JsonValue, TaskContext } from '@tasking/core'
import { describe, expect, test } from 'vitest'

import { HandlerRun } from '../src/handler-run.ts'
import { TaskAbort } from '../src/task-abort.ts'
import { LogBook } from './log-book.ts'
import { schemaOf } from './schema.ts'

const claimed = (name: string, input: JsonValue = null): ClaimedTask => ({
  id: '01990000-0000-7000-8000-000000000001',
  name,
  input,
  resources: { exclusive: ['a'], shared: ['b'] },
  queue: 'default',
  parentId: null,
  groupId: null,
  correlationId: null,
  attempt: 1,
  fencingToken: 7n,
})

/** Runs a handler by itself, as a worker would that has claimed its task. */
async function completionOf(definition: AnyTaskDefinition, input: JsonValue = null) {
  const tasking = createTasking({ store: new MemoryStore(), tasks: [definition] })
  return new HandlerRun(claimed(definition.name, input), 'w', { random: () => 0.5 }).run(
    tasking,
    silentLogger,
  )
}

const throwing = (thrown: unknown) =>
  defineTask({
    name: 'throwing',
    async run() {
      throw thrown
    },
  })

describe('a handler that ends well', () => {
  test('completes its task with its result, in JSON', async () => {
    const dated = defineTask({ name: 'dated', run: () => ({ at: new Date(0), none: undefined }) })
    expect(await completionOf(dated)).toEqual({
      id: claimed('').id,
      fencingToken: 7n,
      state: 'completed',
      result: { at: '1970-01-01T00:00:00.000Z' },
    })
  })

  test('completes it with null where it returns nothing', async () => {
    const silent = defineTask({ name: 'silent', async run() {} })
    expect(await completionOf(silent)).toMatchObject({ state: 'completed', result: null })
  })

  test('gets its input as the schema makes it', async () => {
    const input = schemaOf<string, Date>([], (text) => new Date(String(text)))
    const year = defineTask({ name: 'year', input, run: (since) => since.getUTCFullYear() })
    const completion = await completionOf(year, '2026-01-02T00:00:00Z')
    expect(completion).toMatchObject({ state: 'completed', result: 2026 })
  })
})

describe('a handler that throws', () => {
  test('fails its task with the class, the message, the code and the stack', async () => {
    const error = Object.assign(new TypeError('no such remote'), { code: 'ENOREMOTE' })
    expect(await completionOf(throwing(error))).toEqual({
      id: claimed('').id,
      fencingToken: 7n,
      state: 'failed',
      error: {
        name: 'TypeError',
        message: 'no such remote',
        code: 'ENOREMOTE',
        stack: error.stack,
      },
    })
  })

  test('at once fails it like one that throws later', async () => {
    const early = defineTask({
      name: 'early',
      run() {
        throw new Error('early')
      },
    })
    expect(await completionOf(early)).toMatchObject({
      state: 'failed',
      error: { message: 'early' },
    })
  })

  test('leaves out a code that is no text', async () => {
    const completion = await completionOf(throwing(Object.assign(new Error('m'), { code: 5 })))
    expect(completion).toHaveProperty('error.message', 'm')
    expect(completion).not.toHaveProperty('error.code')
  })

  test('fails it with text that can be stored', async () => {
    const error = Object.assign(new Error('a\0b\ud83d'), { code: '\0' })
    expect(await completionOf(throwing(error))).toMatchObject({
      error: { message: 'a\ufffdb\ufffd', code: '\ufffd' },
    })
  })

  test.each<[string, unknown, string]>([
    ['text', 'just text', 'just text'],
    ['a number', 42, '42'],
    ['nothing', undefined, 'undefined'],
    ['null', null, 'null'],
    ['a symbol', Symbol('s'), 'Symbol(s)'],
  ])('%s fails it with that for a message', async (_, thrown, message) => {
    expect(await completionOf(throwing(thrown))).toMatchObject({
      state: 'failed',
      error: { name: 'Error', message },
    })
  })

  test.each<[string, unknown]>([
    ['an object that has no text', Object.create(null)],
    ['an error whose message is no text', Object.assign(new Error('m'), { message: 42 })],
    ['an error whose name is no text', Object.assign(new Error('m'), { name: undefined })],
    ['an error whose stack is no text', Object.assign(new Error('m'), { stack: [] })],
    [
      'an error that cannot be read',
      Object.defineProperty(new Error('m'), 'message', {
        get() {
          throw new Error('unreadable')
        },
      }),
    ],
  ])('%s fails its task all the same', async (_, thrown) => {
    expect(await completionOf(throwing(thrown))).toMatchObject({
      state: 'failed',
      error: { name: expect.any(String), message: expect.any(String) },
    })
  })
})

describe('a handler whose task cannot be completed', () => {
  test.each<[string, unknown, string]>([
    ['a bigint', { total: 1n }, 'BigInt'],
    ['a NUL character', { text: 'a\0b' }, 'NUL'],
    ['half a surrogate pair', 'a\ud83d', 'surrogate'],
    ['a function', () => 1, 'function'],
  ])('fails when it returns %s', async (_, result, why) => {
    const odd = defineTask({ name: 'odd', run: () => result })
    expect(await completionOf(odd)).toMatchObject({
      state: 'failed',
      error: {
        code: 'not_json',
        message: expect.stringMatching(new RegExp(`^The result of "odd" .*${why}`)),
      },
    })
  })

  test('fails without running when its stored input is not valid', async () => {
    let ran = false
    const input = schemaOf<object, object>(['repository'], () => {
      throw new Error('no text')
    })
    const strict = defineTask({ name: 'strict', input, run: () => (ran = true) })
    expect(await completionOf(strict, { repository: 5 })).toMatchObject({
      state: 'failed',
      error: {
        code: 'invalid_input',
        message: expect.stringContaining('repository: Error: no text'),
      },
    })
    expect(ran).toBe(false)
  })

  test('fails when the task is not known here', async () => {
    const tasking = createTasking({ store: new MemoryStore() })
    const completion = await new HandlerRun(claimed('gone'), 'w', { random: () => 0.5 }).run(
      tasking,
      silentLogger,
    )
    expect(completion).toMatchObject({ state: 'failed', error: { code: 'unknown_task' } })
  })
})

test('a back-off that throws is logged, and the default one holds', async () => {
  const broken = defineTask({
    name: 'broken',
    retry: {
      limit: 1,
      jitter: 0,
      backoff: () => {
        throw new Error('no delay')
      },
    },
    run: () => Promise.reject(new Error('no luck')),
  })
  const tasking = createTasking({ store: new MemoryStore(), tasks: [broken] })
  const book = new LogBook()
  const run = new HandlerRun(claimed('broken'), 'w', { random: () => 0.5 })
  const completion = await run.run(tasking, book.logger)
  expect(completion).toMatchObject({ state: 'retry', delayMs: 1_000 })
  const { fields } = await book.next('a function of the retry policy threw')
  expect(fields).toMatchObject({ rule: 'backoff', err: { message: 'no delay' } })
})

describe('a handler that is aborted', () => {
  const canceled = new TaskAbort('task_canceled', 'superseded')
  const stopping = new TaskAbort('worker_stopping', 'Aborted during worker shutdown.')

  /** Runs a handler that is aborted, and then does as told. */
  async function aborted(reason: TaskAbort, then: (signal: AbortSignal) => unknown) {
    const told = defineTask({
      name: 'aborted',
      async run(_input: undefined, { signal }) {
        run.abort(reason)
        return then(signal)
      },
    })
    const tasking = createTasking({ store: new MemoryStore(), tasks: [told] })
    const run = new HandlerRun(claimed('aborted'), 'w', { random: () => 0.5 })
    return run.run(tasking, silentLogger)
  }

  test('learns why', async () => {
    const completion = await aborted(canceled, ({ reason }: { reason: unknown }) => {
      expect(reason).toBe(canceled)
    })
    expect(completion.state).toBe('completed')
  })

  test('ends its task as canceled when it throws after a cancel, whatever it throws', async () => {
    const completion = await aborted(canceled, () => Promise.reject(new Error('torn down')))
    expect(completion).toMatchObject({ state: 'canceled', error: null })
  })

  test.each<[string, (signal: AbortSignal) => unknown]>([
    ['the reason', (signal) => signal.throwIfAborted()],
    ['an AbortError', () => Promise.reject(new DOMException('aborted', 'AbortError'))],
  ])('fails with the reason when it throws %s at a shutdown', async (_, then) => {
    expect(await aborted(stopping, then)).toMatchObject({
      state: 'failed',
      error: { code: 'worker_stopping', message: 'Aborted during worker shutdown.' },
    })
  })

  test('fails with its own error when it throws that at a shutdown', async () => {
    const completion = await aborted(stopping, () => Promise.reject(new Error('half done')))
    expect(completion).toMatchObject({ state: 'failed', error: { message: 'half done' } })
  })

  test('fails its task also with an error whose name cannot be read', async () => {
    const name = {
      get() {
        throw new Error('unreadable')
      },
    }
    const thrown = Object.defineProperty(new Error('half done'), 'name', name)
    const completion = await aborted(stopping, () => Promise.reject(thrown))
    expect(completion).toMatchObject({ state: 'failed', error: { message: 'half done' } })
  })

  test('keeps to the first reason', async () => {
    const seen: unknown[] = []
    const waiting = defineTask({
      name: 'waiting',
      run(_input: undefined, { signal }) {
        run.abort(canceled)
        run.abort(stopping)
        seen.push(signal.reason)
      },
    })
    const tasking = createTasking({ store: new MemoryStore(), tasks: [waiting] })
    const run = new HandlerRun(claimed('waiting'), 'w', { random: () => 0.5 })
    await run.run(tasking, silentLogger)
    expect(seen).toEqual([canceled])
  })

  test.each([
    [stopping, { state: 'failed', error: { code: 'worker_stopping' } }],
    [canceled, { state: 'canceled', error: null }],
  ])('before it begins does not begin: %s', async (reason, completion) => {
    let ran = false
    const late = defineTask({ name: 'late', run: () => void (ran = true) })
    const tasking = createTasking({ store: new MemoryStore(), tasks: [late] })
    const run = new HandlerRun(claimed('late'), 'w', { random: () => 0.5 })
    run.abort(reason)
    expect(await run.run(tasking, silentLogger)).toMatchObject(completion)
    expect(ran).toBe(false)
  })
})

describe("a handler's context", () => {
  async function contextOf(use: (context: TaskContext) => unknown) {
    const using = defineTask({ name: 'using', run: (_: undefined, context) => use(context) })
    const tasking = createTasking({ store: new MemoryStore(), tasks: [using] })
    await new HandlerRun(claimed('using'), 'w', { random: () => 0.5 }).run(tasking, silentLogger)
    return tasking
  }

  test('tells of the task and its fencing token', async () => {
    const seen: TaskContext[] = []
    await contextOf((context) => void seen.push(context))
    const { id, resources } = claimed('using')
    expect(seen[0]).toMatchObject({
      task: { id, name: 'using', queue: 'default', resources, parentId: null },
      fencingToken: 7n,
    })
    expect(seen[0]?.signal.aborted).toBe(false)
  })

  test('dispatches children of the task', async () => {
    const child = defineTask({ name: 'child', run: (_input: number) => 1 })
    const tasking = await contextOf(({ dispatch }) => dispatch(child, 5, { priority: 2 }))
    expect(await tasking.list()).toMatchObject([
      { name: 'child', input: 5, priority: 2, parentId: claimed('').id },
    ])
  })
})
