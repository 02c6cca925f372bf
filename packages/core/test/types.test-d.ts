import { expectTypeOf, test } from 'vitest'
import { z } from 'zod'

import { batchEntry, createTasking, defineSchedule, defineTask, MemoryStore } from '../src/index.ts'
import type {
  Dispatch,
  DispatchOutcome,
  Jsonified,
  Store,
  TaskContext,
  Tasking,
} from '../src/index.ts'

// Never run: the compiler checks these.

const sync = defineTask({
  name: 'sync',
  input: z.object({ repository: z.string(), since: z.coerce.date().optional() }),
  resources: ({ repository, since }) => {
    expectTypeOf(repository).toEqualTypeOf<string>()
    expectTypeOf(since).toEqualTypeOf<Date | undefined>()
    return { exclusive: [repository] }
  },
  async run({ since }) {
    expectTypeOf(since).toEqualTypeOf<Date | undefined>()
    return { synced: 10, at: new Date() }
  },
})
const plain = defineTask({ name: 'plain', run: (input: { n: number }) => [input.n, 'a'] as const })
const idle = defineTask({ name: 'idle', run: () => undefined })
const silent = defineTask({ name: 'silent', async run() {} })
const maybe = defineTask({ name: 'maybe', input: z.string().optional(), run: (text) => text })
const counted = defineTask({
  name: 'counted',
  input: z.string().transform(Number),
  run: (count) => count,
})

declare const tasking: Tasking

test('a wrong input is a compile error', async () => {
  await tasking.dispatch(sync, { repository: '42' })
  await tasking.dispatch(sync, { repository: '42' }, { priority: 5 })
  // @ts-expect-error: a number is no repository
  await tasking.dispatch(sync, { repository: 42 })
  // @ts-expect-error: the repository is missing
  await tasking.dispatch(sync, {})
  // @ts-expect-error: there is no such field
  await tasking.dispatch(sync, { repository: '42', remote: 'debian' })
  // @ts-expect-error: the input is missing
  await tasking.dispatch(sync)
  // @ts-expect-error: the input is missing, with options
  await tasking.dispatch(sync, undefined, { priority: 5 })
  // @ts-expect-error: a string is no number
  await tasking.dispatch(plain, { n: '1' })
  // @ts-expect-error: the input is missing, without a schema
  await tasking.dispatch(plain)
})

test('the input may be left out where undefined will do', async () => {
  await tasking.dispatch(idle)
  await tasking.dispatch(idle, undefined, { queue: 'slow' })
  await tasking.dispatch(maybe)
  await tasking.dispatch(maybe, 'text')
  // @ts-expect-error: there is no input
  await tasking.dispatch(idle, { a: 1 })
  // @ts-expect-error: a number is no text
  await tasking.dispatch(maybe, 5)
})

test('dispatch takes what the schema takes, the handler what it gives', async () => {
  await tasking.dispatch(counted, '5')
  // @ts-expect-error: the schema takes a string
  await tasking.dispatch(counted, 5)
  expectTypeOf(counted.run).parameter(0).toEqualTypeOf<number>()
  expectTypeOf(counted.run).parameter(1).toEqualTypeOf<TaskContext>()
})

test('options are checked', async () => {
  // @ts-expect-error: there is no such option
  await tasking.dispatch(idle, undefined, { prio: 5 })
  // @ts-expect-error: a priority is a number
  await tasking.dispatch(idle, undefined, { priority: 'high' })
  await tasking.dispatch(idle, undefined, { dedupe: 'key', ifBlocked: 'fail' })
  await tasking.dispatch(idle, undefined, { dedupe: { key: 'key', ifTwin: 'replace' } })
  // @ts-expect-error: a rule for twins needs their key
  await tasking.dispatch(idle, undefined, { dedupe: { ifTwin: 'skip' } })
  // @ts-expect-error: there is no such rule for twins
  await tasking.dispatch(idle, undefined, { dedupe: { key: 'key', ifTwin: 'fail' } })
  // @ts-expect-error: there is no such rule for the blocked
  await tasking.dispatch(idle, undefined, { ifBlocked: 'replace' })
})

test('a dispatch has an outcome; a handle found by its id has none', async () => {
  const { outcome } = await tasking.dispatch(idle)
  expectTypeOf(outcome).toEqualTypeOf<
    'free' | 'blocked' | 'scheduled' | 'twin' | 'skipped' | 'canceled'
  >()
  const [entry] = await tasking.dispatchBatch([batchEntry(sync, { repository: '42' })])
  expectTypeOf(entry.outcome).toEqualTypeOf<DispatchOutcome>()
  // @ts-expect-error: it was dispatched before
  tasking.task('id').outcome satisfies DispatchOutcome
})

test('definitions are checked', () => {
  defineTask({
    name: 'a',
    input: z.object({ a: z.string() }),
    // @ts-expect-error: the input has no such field
    resources: ({ b }) => ({ exclusive: [b] }),
    run: () => 1,
  })
  defineTask({
    name: 'a',
    // @ts-expect-error: what the schema makes is not what the handler takes
    input: z.string(),
    run: (input: number) => input,
  })
  // @ts-expect-error: a handler is missing
  defineTask({ name: 'a' })
  defineTask({
    name: 'a',
    resources: { counted: [{ resource: 'gpu', capacity: 8 }] },
    run: () => 1,
  })
  defineTask({
    name: 'a',
    // @ts-expect-error: without a capacity there is nothing to count
    resources: { counted: [{ resource: 'gpu', amount: 1 }] },
    run: () => 1,
  })
})

test('the type of the result comes from the handler, as JSON leaves it', async () => {
  const task = await tasking.dispatch(sync, { repository: '42' })
  expectTypeOf(await task.result()).toEqualTypeOf<{
    readonly synced: number
    readonly at: string
  }>()
  const list = await (await tasking.dispatch(plain, { n: 1 })).result()
  expectTypeOf(list).toEqualTypeOf<readonly [number, 'a']>()
  expectTypeOf(await (await tasking.dispatch(idle)).result()).toEqualTypeOf<null>()
  expectTypeOf(await (await tasking.dispatch(silent)).result()).toEqualTypeOf<null>()
  expectTypeOf(await (await tasking.dispatch(counted, '5')).result()).toEqualTypeOf<number>()
})

test('a task found by its id has a result of unknown type', async () => {
  expectTypeOf(await tasking.task('id').result()).toEqualTypeOf<unknown>()
})

test('a batch entry is checked like a dispatch', async () => {
  const entries = [
    batchEntry(sync, { repository: '42' }, { priority: 1 }),
    batchEntry(idle),
    batchEntry(maybe, 'text'),
  ]
  await tasking.dispatchBatch(entries)
  const [first, second] = await tasking.dispatchBatch([
    batchEntry(sync, { repository: '42' }),
    batchEntry(counted, '5'),
  ])
  expectTypeOf((await first.result()).synced).toEqualTypeOf<number>()
  expectTypeOf(await second.result()).toEqualTypeOf<number>()
  // @ts-expect-error: a number is no repository
  batchEntry(sync, { repository: 42 })
  // @ts-expect-error: the input is missing
  batchEntry(plain)
})

test('a handler dispatches with the same checks, without a transaction', () => {
  defineTask({
    name: 'parent',
    async run(_input: undefined, { dispatch }) {
      expectTypeOf(dispatch).toEqualTypeOf<Dispatch>()
      const child = await dispatch(sync, { repository: '42' }, { queue: 'slow' })
      expectTypeOf((await child.result()).synced).toEqualTypeOf<number>()
      await dispatch(idle)
      // @ts-expect-error: a number is no repository
      await dispatch(sync, { repository: 42 })
      // @ts-expect-error: a child is no part of a transaction
      await dispatch(idle, undefined, { tx: {} })
    },
  })
})

test('a handler completes its task within any transaction, with any result', () => {
  defineTask({
    name: 'own',
    async run(_input: undefined, { complete }) {
      expectTypeOf(await complete({})).toEqualTypeOf<void>()
      await complete({}, { rows: 5 })
      // @ts-expect-error: the transaction is missing
      await complete()
    },
  })
})

test("a transaction is of the store's kind", async () => {
  interface Transaction {
    readonly kind: 'transaction'
  }
  const store = {} as Store<Transaction>
  const transactional = createTasking({ store })
  await transactional.dispatch(idle, undefined, { tx: { kind: 'transaction' } })
  await transactional.dispatchBatch([], { tx: { kind: 'transaction' } })
  // @ts-expect-error: this is no transaction
  await transactional.dispatch(idle, undefined, { tx: { kind: 'client' } })
  // @ts-expect-error: memory has no transactions
  await createTasking({ store: new MemoryStore() }).dispatch(idle, undefined, { tx: {} })
})

test('definitions of any kind make one tasking', () => {
  const tasks = [sync, plain, idle, silent, maybe, counted]
  expectTypeOf(createTasking({ store: new MemoryStore(), tasks })).toEqualTypeOf<Tasking<never>>()
})

test("a schedule takes its definition's input, and one timing", async () => {
  const { schedules } = createTasking({ store: new MemoryStore() })
  const input = { repository: '42' }
  await schedules.set({ name: 'a', task: sync, input, cron: '0 3 * * *', timeZone: 'UTC' })
  await schedules.set({ name: 'a', task: idle, every: '1h', at: new Date() })
  await schedules.set(defineSchedule({ name: 'a', task: plain, input: { n: 1 }, at: new Date() }))
  // @ts-expect-error: the input is missing
  await schedules.set({ name: 'a', task: sync, every: '1h' })
  // @ts-expect-error: the input is of another type
  await schedules.set({ name: 'a', task: sync, input: { repository: 42 }, every: '1h' })
  // @ts-expect-error: neither here
  defineSchedule({ name: 'a', task: plain, input: { n: 'one' }, every: '1h' })
  // @ts-expect-error: it isn't said when
  await schedules.set({ name: 'a', task: idle })
  // @ts-expect-error: a cron expression says it all
  await schedules.set({ name: 'a', task: idle, cron: '0 3 * * *', every: '1h' })
})

test('Jsonified is what is left after JSON', () => {
  expectTypeOf<Jsonified<string | null>>().toEqualTypeOf<string | null>()
  expectTypeOf<Jsonified<undefined>>().toEqualTypeOf<null>()
  expectTypeOf<Jsonified<void>>().toEqualTypeOf<null>()
  expectTypeOf<Jsonified<Date>>().toEqualTypeOf<string>()
  expectTypeOf<Jsonified<URL>>().toEqualTypeOf<string>()
  expectTypeOf<Jsonified<Date[]>>().toEqualTypeOf<readonly string[]>()
  expectTypeOf<Jsonified<(number | undefined)[]>>().toEqualTypeOf<readonly (number | null)[]>()
  expectTypeOf<Jsonified<{ a: { b: Date } }>>().toEqualTypeOf<{
    readonly a: { readonly b: string }
  }>()
  expectTypeOf<Jsonified<{ a?: Date }>>().toEqualTypeOf<{ readonly a?: string | undefined }>()
  expectTypeOf<Jsonified<'a' | 'b'>>().toEqualTypeOf<'a' | 'b'>()
  expectTypeOf<Jsonified<unknown>>().toEqualTypeOf<unknown>()
})
