import { createTasking, defineTask, MemoryStore } from '@tasking/core'
import type { Tasking } from '@tasking/core'
import { assertDispatched, HandClock } from '@tasking/core/testing'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { drain, runTask } from '../src/testing/index.ts'
import { LogBook } from './log-book.ts'
import { Scene } from './scene.ts'
import { schemaOf } from './schema.ts'

const idle = defineTask({ name: 'idle', run: () => undefined })

describe('runTask', () => {
  test('runs the handler as a worker would, input and result through JSON', async () => {
    const year = defineTask({
      name: 'year',
      input: schemaOf<string, Date>([], (text) => new Date(String(text))),
      resources: { exclusive: ['calendar'] },
      queue: 'slow',
      run: (date, { task, signal, fencingToken }) => ({
        ...{ year: date.getUTCFullYear(), date, queue: task.queue, resources: task.resources },
        ...{ aborted: signal.aborted, fenced: fencingToken > 0n },
      }),
    })
    const result = await runTask(year, '1999-12-31')
    expectTypeOf(result.date).toEqualTypeOf<string>()
    expect(result).toEqual({
      ...{ year: 1999, date: '1999-12-31T00:00:00.000Z', queue: 'slow', aborted: false },
      ...{ resources: { exclusive: ['calendar'], shared: [] }, fenced: true },
    })
  })

  test('throws what the handler throws, as it is', async () => {
    const error = new RangeError('out of luck')
    const unlucky = defineTask({
      name: 'unlucky',
      run() {
        throw error
      },
    })
    await expect(runTask(unlucky)).rejects.toBe(error)
  })

  test('refuses an input that does not fit', async () => {
    const strict = defineTask({
      name: 'strict',
      input: schemaOf<string, string>([], () => {
        throw new Error('too long')
      }),
      run: () => undefined,
    })
    await expect(runTask(strict, 'x')).rejects.toMatchObject({ code: 'invalid_input' })
  })

  test('children go to the tasking, the log to the logger', async () => {
    const tasking: Tasking = createTasking({ store: new MemoryStore() })
    const log = new LogBook()
    const parent = defineTask({
      name: 'parent',
      async run(_input: void, { dispatch, log: own }) {
        own.info('hello')
        return (await dispatch(idle)).id
      },
    })
    const id = await runTask(parent, undefined, { tasking, logger: log.logger })
    const [child] = await assertDispatched(tasking, idle, { times: 1 })
    expect(child?.id).toBe(id)
    expect(child?.parentId).toBe((await tasking.list({ name: 'parent' }))[0]?.id)
    expect(log.entries.map(({ message }) => message)).toContain('hello')
  })

  test('its signal aborts when it is told to', async () => {
    const stop = new AbortController()
    const waiting = defineTask({
      name: 'waiting',
      async run(_input: void, { signal }) {
        stop.abort()
        expect(signal.reason).toMatchObject({ code: 'task_canceled' })
        signal.throwIfAborted()
      },
    })
    const run = runTask(waiting, undefined, { signal: stop.signal })
    await expect(run).rejects.toMatchObject({ code: 'task_canceled' })
  })

  test('a completion of the handler itself counts', async () => {
    const own = defineTask({
      name: 'own',
      run: (_input: void, { complete }) => complete(undefined, 'kept'),
    })
    expect(await runTask(own)).toBe('kept')
  })

  test('runs what has to be encrypted, or requires versions, or is for later', async () => {
    const login = defineTask({
      ...{ name: 'login', encrypted: true, requires: { codec: '2.1' } },
      run: ({ password }: { password: string }) => password.length,
    })
    const later = { options: { delay: '1h', requires: { core: '7-rc' } } } as const
    expect(await runTask(login, { password: 'horse' }, later)).toBe(5)
    const far = { options: { runAt: new Date('2999-01-01') } }
    expect(await runTask(login, { password: 'horse' }, far)).toBe(5)
  })

  test('says so where there is a twin already, and leaves that alone', async () => {
    const tasking: Tasking = createTasking({ store: new MemoryStore() })
    const twin = await tasking.dispatch(idle, undefined, { dedupe: 'k' })
    const run = runTask(idle, undefined, { tasking, options: { dedupe: 'k' } })
    await expect(run).rejects.toMatchObject({ code: 'invalid_option', option: 'dedupe' })
    expect(await twin.load()).toMatchObject({ state: 'waiting' })
  })

  test('says so where the resources are taken', async () => {
    const tasking: Tasking = createTasking({ store: new MemoryStore() })
    const alone = defineTask({ name: 'alone', resources: { exclusive: ['r'] }, run: () => 1 })
    await tasking.dispatch(alone)
    await expect(runTask(alone, undefined, { tasking })).rejects.toMatchObject({
      ...{ code: 'invalid_option', option: 'tasking', value: 'blocked' },
    })
    const skipping = { tasking, options: { ifBlocked: 'skip' } } as const
    await expect(runTask(alone, undefined, skipping)).rejects.toMatchObject({
      ...{ code: 'invalid_option', option: 'tasking', value: 'skipped' },
    })
  })
})

describe.each(['memory', 'postgres'] as const)('drain on %s', (kind) => {
  test('has the versions that tasks require', async () => {
    await using scene = await Scene.open(kind)
    const encode = defineTask({ name: 'encode', requires: { codec: '2.1' }, run: () => 'done' })
    const tasking = scene.tasking([encode])
    await tasking.dispatch(encode)
    await tasking.dispatch(encode, undefined, { requires: { codec: '3', core: '1.4' } })
    expect(await drain(tasking)).toMatchObject([{ state: 'completed' }, { state: 'completed' }])
  })

  test('runs all that can run, by priority and in line, and what that dispatches', async () => {
    await using scene = await Scene.open(kind)
    const order: string[] = []
    const step = defineTask({
      name: 'step',
      resources: { exclusive: ['r'] },
      run: (name: string) => void order.push(name),
    })
    const parent = defineTask({
      name: 'parent',
      queue: 'other',
      async run(name: string, { dispatch }) {
        order.push(name)
        await dispatch(step, `${name}'s child`)
      },
    })
    const broken = defineTask({
      name: 'broken',
      priority: 9,
      run: () => Promise.reject(new Error()),
    })
    const unknown = defineTask({ name: 'unknown', run: () => undefined })
    const tasking = scene.tasking([step, parent, broken])
    await tasking.dispatch(step, 'first')
    await tasking.dispatch(step, 'second', { priority: 5 })
    await tasking.dispatch(parent, 'parent')
    await tasking.dispatch(broken)
    await tasking.dispatch(unknown)
    const ran = await drain(tasking)
    expect(order.filter((name) => !name.startsWith('parent'))).toEqual(['first', 'second'])
    expect(order.indexOf('parent')).toBeLessThan(order.indexOf("parent's child"))
    expect(ran.map(({ state }) => state).toSorted()).toEqual([
      ...['completed', 'completed', 'completed', 'completed', 'failed'],
    ])
    expect(await tasking.list({ states: ['waiting'] })).toMatchObject([{ name: 'unknown' }])
    expect(await drain(tasking)).toEqual([])
    expect(await tasking.store.workers()).toEqual([])
  })
})

test('drain fires the schedules that are due by the clock', async () => {
  const clock = new HandClock()
  const store = new MemoryStore({ clock })
  const tasking: Tasking = createTasking({ store, clock, tasks: [idle] })
  await tasking.schedules.set({ name: 'hourly', task: idle, every: '1h' })
  expect(await drain(tasking)).toEqual([])
  clock.move('1h')
  expect(await drain(tasking)).toMatchObject([{ name: 'idle', state: 'completed' }])
})

test('drain runs what is due by the clock, also to be tried again', async () => {
  const clock = new HandClock()
  const stumbling = defineTask({
    ...{ name: 'stumbling', retry: { limit: 1 } },
    run(_input: undefined, { attempt }) {
      if (attempt === 1) throw new Error('not yet')
    },
  })
  const tasking = createTasking({ store: new MemoryStore({ clock }), clock, tasks: [stumbling] })
  await tasking.dispatch(stumbling, undefined, { delay: '1m' })
  expect(await drain(tasking)).toEqual([])
  clock.move('1m')
  expect(await drain(tasking)).toMatchObject([{ state: 'scheduled', attempt: 2 }])
  clock.move('1s')
  expect(await drain(tasking)).toMatchObject([{ state: 'completed', attempt: 2 }])
})

test('drain ends where a task dispatches itself for ever', async () => {
  const tasking: Tasking = createTasking({
    store: new MemoryStore(),
    tasks: [
      defineTask({
        name: 'endless',
        run: (_input: void, { tasking: own }) => own.dispatch(own.definition('endless') as never),
      }),
    ],
  })
  await tasking.dispatch(tasking.definition('endless') as never)
  await expect(drain(tasking, { most: 10 })).rejects.toThrow('More than 10 tasks ran, "endless"')
})
