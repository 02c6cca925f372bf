import { normalizeResources } from '@tasking/core'
import type { ResourceRequest, Signal } from '@tasking/core'
import { eventually, useDatabase } from '@tasking/testbed'
import fc from 'fast-check'
import postgres from 'postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { runs } from '../../core/test/arbitraries.ts'
import { migrate, pgStore } from '../src/index.ts'
import type { PgStore } from '../src/index.ts'
import { emptied } from './emptied.ts'
import { claim, completed, register, rejection, taskOf } from './hand.ts'

const database = useDatabase()
let store: PgStore
/** What a program in any language would have: a connection, and SQL. */
let sql: postgres.Sql

beforeAll(() => {
  store = pgStore({ url: database.url, listen: database.directUrl })
  sql = postgres(database.directUrl, { max: 2, fetch_types: false, onnotice: () => undefined })
})
beforeEach(() => emptied(sql))
afterAll(async () => {
  await store.close()
  await sql.end({ timeout: 1 })
})

async function dispatched(call: string): Promise<string> {
  const [row] = await sql.unsafe(`select tasking.${call} as id`)
  return String(row?.['id'])
}

async function found(id: string) {
  const [task] = await store.find([id])
  if (task === undefined) throw new Error(`There is no task ${id}.`)
  return task
}

describe('a dispatch in plain SQL', () => {
  test('needs no more than a name', async () => {
    const id = await dispatched(`dispatch('task')`)
    expect(await found(id)).toMatchObject({
      ...{ id, name: 'task', state: 'waiting', queue: 'default', priority: 0, input: null },
      ...{ resources: { exclusive: [], shared: [] }, parentId: null, dedupeKey: null },
      unblockedAt: expect.any(Date),
    })
    const claimed = await claim(store, await register(store), 10)
    expect(claimed).toMatchObject([{ id, input: null, parentId: null }])
  })

  test('keeps all that it is given', async () => {
    const parent = store.newId()
    const id = await dispatched(`dispatch(
      'task', '{"a": null, "b": ["ä", {"c": null}]}',
      exclusive => '{b,a}', shared => array['c''d"{},'],
      counted => '[{"resource": "gpu", "amount": 2, "capacity": 8}, {"resource": "disk", "capacity": 1}]',
      queue => 'slow', priority => -5, parent_id => '${parent}', dedupe_key => 'key',
      timeout => '1.5 seconds', correlation_id => 'request 1'
    )`)
    expect(await found(id)).toMatchObject({
      input: { a: null, b: ['ä', { c: null }] },
      resources: {
        ...{ exclusive: ['a', 'b'], shared: [`c'd"{},`] },
        counted: [
          { resource: 'disk', amount: 1, capacity: 1 },
          { resource: 'gpu', amount: 2, capacity: 8 },
        ],
      },
      ...{ queue: 'slow', priority: -5, parentId: parent, dedupeKey: 'key' },
      correlationId: 'request 1',
      options: { timeoutMs: 1_500 },
    })
  })

  test('is for workers that have what it requires', async () => {
    const [bare, fit] = [await register(store), store.newId()]
    await store.registerWorker({
      ...{ id: fit, name: 'by hand', ttlMs: 60_000, concurrency: 10, version: '' },
      ...{ queues: ['default'], taskNames: ['task'], versions: { codec: '2.1.3' } },
    })
    const requires = `requires => '{"codec": "2.1-rc.1+b", "core": "1"}'`
    const id = await dispatched(`dispatch('task', ${requires}, timeout => '1s')`)
    const options = { timeoutMs: 1_000, requires: { codec: '2.1-rc.1+b', core: '1' } }
    expect(await found(id)).toMatchObject({ options })
    const [easy, none] = [
      await dispatched(`dispatch('task', requires => '{"codec": "2.1"}')`),
      await dispatched(`dispatch('task', requires => '{}')`),
    ]
    expect(await found(none)).not.toHaveProperty('options')
    expect(await claim(store, bare, 10)).toMatchObject([{ id: none }])
    await store.housekeep()
    await store.beat(fit)
    expect(await claim(store, fit, 10)).toMatchObject([{ id: easy }])
  })

  test('for later is scheduled, and whoever listens is told when it is due', async () => {
    await store.check()
    const signals: Signal[] = []
    const end = await store.signals?.subscribe(
      (signal) => void signals.push(signal),
      () => undefined,
    )
    const soon = await dispatched(`dispatch('task', run_at => now() + interval '1 second')`)
    const late = await dispatched(`dispatch('task', run_at => '2999-12-31 23:59:59.999Z')`)
    const now = await dispatched(`dispatch('task', run_at => now() - interval '1 second')`)
    const states = await Promise.all([soon, late, now].map(async (id) => (await found(id)).state))
    expect(states).toEqual(['scheduled', 'scheduled', 'waiting'])
    expect((await found(late)).runAt).toEqual(new Date('2999-12-31T23:59:59.999Z'))
    if (end === undefined) return
    await eventually(() => signals.some(({ kind }) => kind === 'wakeup'), { what: 'the signals' })
    await end()
    const due = signals.filter((signal) => signal.kind === 'due')
    expect(due).toEqual([{ kind: 'due', inMs: expect.any(Number) }])
    expect(due[0]?.inMs).toBeGreaterThan(500)
  })

  test.each(['"text"', '0', 'false', '[]', '{}', '"{\\"a\\":1}"'])(
    'takes %s for an input',
    async (input) => {
      const id = await dispatched(`dispatch('task', '${input}')`)
      expect((await found(id)).input).toEqual(JSON.parse(input))
    },
  )

  test('takes null for what has a default of nothing', async () => {
    const id = await dispatched(`dispatch(
      'task', null, exclusive => null, shared => null, counted => null, parent_id => null,
      dedupe_key => null
    )`)
    expect(await found(id)).toMatchObject({
      ...{ input: null, resources: { exclusive: [], shared: [] }, dedupeKey: null },
    })
  })

  test('stands in one line with what the API dispatches', async () => {
    await store.dispatch([taskOf(store, { exclusive: ['r'] })])
    const id = await dispatched(`dispatch('task', exclusive => '{r}')`)
    const [behind] = await store.dispatch([taskOf(store, { exclusive: ['r'] })])
    expect([(await found(id)).unblockedAt, behind?.blocked]).toEqual([null, true])
    const worker = await register(store)
    const first = await claim(store, worker, 10)
    const completions = first.map(completed)
    const second = await store.turn({ workerId: worker, slots: 10, completions, looks: [] })
    expect(second.claimed.map((task) => task.id)).toEqual([id])
  })

  test('creates as many as a statement has rows, in their order', async () => {
    const rows = await sql`
      select tasking.dispatch('task', to_jsonb(n), exclusive => array['r' || n % 2]) as id
        from generate_series(1, 20) as n`
    const tasks = await Promise.all(rows.map(({ id }) => found(String(id))))
    expect(tasks.map(({ input }) => input)).toEqual(Array.from(rows, (_, n) => n + 1))
    expect(tasks.filter(({ unblockedAt }) => unblockedAt !== null)).toHaveLength(2)
    const newestFirst = await store.list()
    expect(newestFirst.map(({ id }) => id)).toEqual(tasks.map(({ id }) => id).toReversed())
  })

  test('gives ids of version 7, as the API does', async () => {
    const began = Date.now()
    const id = await dispatched(`dispatch('task')`)
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    const millisecond = Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)
    // The server may run on another machine, with a clock of its own.
    expect(Math.abs(millisecond - began)).toBeLessThan(3_600_000)
  })
})

const name = fc
  .string({ unit: fc.constantFrom('a', 'B', 'é', '"', '\\', ',', '{', ' ', '😀', '\uFFFD', '%') })
  .filter((text) => text !== '')
const capacity = fc.integer({ min: 1, max: 10_000 })
const count = fc
  .tuple(name, capacity, fc.nat())
  .map(([resource, most, pick]) => ({ resource, amount: 1 + (pick % most), capacity: most }))
const request: fc.Arbitrary<ResourceRequest> = fc.record(
  {
    exclusive: fc.array(name, { maxLength: 4 }),
    shared: fc.array(name, { maxLength: 4 }),
    counted: fc.uniqueArray(count, { maxLength: 3, selector: ({ resource }) => resource }),
  },
  { requiredKeys: [] },
)

test('its resources come to the same normal form as those of the API', async () => {
  const inOrder = (names: readonly string[]) => [...names].toSorted()
  await fc.assert(
    fc.asyncProperty(request, async ({ exclusive = [], shared = [], counted }) => {
      const wanted = normalizeResources({ exclusive, shared, ...(counted && { counted }) })
      const names = (list: readonly string[]) =>
        sql`array(select jsonb_array_elements_text(${JSON.stringify(list)}::text::jsonb))`
      const [row] = await sql`select tasking.dispatch(
        'task', exclusive => ${names(exclusive)}, shared => ${names(shared)},
        counted => ${counted ? JSON.stringify(counted) : null}::text::jsonb
      ) as id`
      const { resources } = await found(String(row?.['id']))
      // Two ways to order letters beyond U+FFFF; the protocol asks for neither.
      expect({
        ...resources,
        ...{ exclusive: inOrder(resources.exclusive), shared: inOrder(resources.shared) },
        ...(resources.counted && {
          counted: resources.counted.toSorted((a, b) => (a.resource < b.resource ? -1 : 1)),
        }),
      }).toEqual(wanted)
      const places = await sql`
        select resource, mode, amount, capacity from tasking.reservation
         where task_id = ${String(row?.['id'])}`
      const uncounted = { amount: null, capacity: null }
      expect(new Set(places.map((place) => ({ ...place })))).toEqual(
        new Set([
          ...wanted.exclusive.map((resource) => ({ resource, mode: 'exclusive', ...uncounted })),
          ...wanted.shared.map((resource) => ({ resource, mode: 'shared', ...uncounted })),
          ...(wanted.counted ?? []).map((one) => ({ ...one, mode: 'counted' })),
        ]),
      )
    }),
    { numRuns: runs(60) },
  )
}, 120_000)

describe('a dispatch in plain SQL is refused for', () => {
  const long = (letters: number) => `repeat('x', ${letters})`
  const counting = (...entries: string[]) => `counted => '[${entries.join()}]'`
  const gpu = (rest: string) => counting(`{"resource": "gpu", ${rest}}`)

  test.each<[string, string, RegExp]>([
    ['no name', 'null', /^name: NULL is not a task name of 1 to 200 characters$/],
    ['an empty name', `''`, /^name: '' is not a task name/],
    ['a name of blanks', `e' \\t\\n'`, /^name: .* is not a task name/s],
    ['a long name', long(201), /^name: 'x+' is not a task name/],
    ['an empty queue', `'task', queue => ''`, /^queue: '' is not a queue name of 1 to 100/],
    ['a queue of blanks', `'task', queue => e'\\t'`, /^queue: .* is not a queue name/],
    ['no queue', `'task', queue => null`, /^queue: NULL is not a queue name/],
    ['a long queue', `'task', queue => ${long(101)}`, /^queue: 'x+' is not a queue name/],
    [
      'too high a priority',
      `'task', priority => 1000001`,
      /^priority: '1000001' is not a whole number within ±1,000,000$/,
    ],
    ['too low a priority', `'task', priority => -1000001`, /^priority: '-1000001' is not/],
    ['the lowest number', `'task', priority => -2147483648`, /^priority: '-2147483648' is not/],
    ['no priority', `'task', priority => null`, /^priority: NULL is not/],
    ['an empty key', `'task', dedupe_key => ''`, /^dedupe_key: '' is not a key of 1 to 200/],
    ['a key of blanks', `'task', dedupe_key => e'\\t '`, /^dedupe_key: .* is not a key/],
    ['a long key', `'task', dedupe_key => ${long(201)}`, /^dedupe_key: 'x+' is not a key/],
    ['no moment', `'task', run_at => 'infinity'`, /^run_at: 'infinity' is not a moment$/],
    [
      'a rule for the blocked of one that is due later',
      `'task', run_at => now(), if_blocked => 'skip'`,
      /^if_blocked: 'skip' is not wait, as a task that is due later needs$/,
    ],
    ['no time at all', `'task', timeout => '0s'`, /^timeout: '00:00:00' is not longer than/],
    [
      'an unknown rule for twins',
      `'task', if_twin => 'wait'`,
      /^if_twin: 'wait' is not one of return, skip, replace$/,
    ],
    ['no rule for twins', `'task', if_twin => null`, /^if_twin: NULL is not one of/],
    [
      'an unknown rule for the blocked',
      `'task', if_blocked => 'return'`,
      /^if_blocked: 'return' is not one of wait, skip, fail$/,
    ],
    ['no rule for the blocked', `'task', if_blocked => null`, /^if_blocked: NULL is not one of/],
    ...[
      '[]',
      '"2.1"',
      '{"codec": 2}',
      '{"codec": ["2"]}',
      '{"codec": "two"}',
      '{"codec": "1.2.3.4.5"}',
    ].map((versions): [string, string, RegExp] => [
      `no versions but ${versions}`,
      `'task', requires => '${versions}'`,
      /^requires: .* is not an object of versions such as {"codec": "2.1.0"}$/,
    ]),
    [
      'a resource without a name',
      `'task', exclusive => '{a,null}'`,
      /^can't reserve a resource without a name$/,
    ],
    [
      'a resource of no letters',
      `'task', shared => '{""}'`,
      /^can't reserve a resource whose name is empty$/,
    ],
    [
      'a long resource',
      `'task', exclusive => array[repeat('ä', 501)]`,
      /^can't reserve a resource whose name is longer than 1,000 bytes$/,
    ],
    ['an object for the list of counts', `'task', counted => '{}'`, /^counted: {} is not an array/],
    ['a number for a count', `'task', ${counting('1')}`, /^counted: .* is not an array of/],
    [
      'a count of nothing',
      `'task', ${counting('{}')}`,
      /^can't reserve a resource without a name$/,
    ],
    [
      'no capacity',
      `'task', ${gpu('"amount": 1')}`,
      /^can't reserve resource "gpu", whose capacity/,
    ],
    ['too large a capacity', `'task', ${gpu('"capacity": 10001')}`, /whose capacity is not from/],
    ['a capacity of nothing', `'task', ${gpu('"capacity": 0, "amount": 0')}`, /whose capacity/],
    ['too large an amount', `'task', ${gpu('"capacity": 2, "amount": 3')}`, /amount is not from 1/],
    ['no units', `'task', ${gpu('"capacity": 2, "amount": 0')}`, /amount is not from 1/],
    ['part of a unit', `'task', ${gpu('"capacity": 2, "amount": 1.5')}`, /"gpu".*amount/],
    ['an amount in words', `'task', ${gpu('"capacity": 2, "amount": "two"')}`, /"gpu".*amount/],
    [
      'a resource that is counted twice',
      `'task', ${counting('{"resource": "gpu", "capacity": 2}', '{"resource": "gpu", "capacity": 3}')}`,
      /^can't reserve resource "gpu", which is counted twice$/,
    ],
  ])('%s', async (_, args, message) => {
    const error = await rejection(dispatched(`dispatch(${args})`))
    expect(error).toMatchObject({ code: '22023', message: expect.stringMatching(message) })
    expect(await store.list()).toEqual([])
  })

  test('resources that are taken, if it is not to wait', async () => {
    await store.dispatch([taskOf(store, { exclusive: ['a "b"'] })])
    const call = `dispatch('task', shared => array['a "b"'], if_blocked => 'fail')`
    expect(await rejection(dispatched(call))).toMatchObject({
      ...{ code: 'TK002', message: 'resource "a "b"" is taken' },
    })
    expect(await store.list()).toHaveLength(1)
  })

  test('a condition in a transaction with an old snapshot', async () => {
    const calls = [
      `dispatch('task', dedupe_key => 'k')`,
      `dispatch('task', exclusive => '{r}', if_blocked => 'skip')`,
    ]
    for (const call of calls) {
      const given = sql.begin('isolation level repeatable read', (tx) =>
        tx.unsafe(`select tasking.${call}`),
      )
      expect(await rejection(given)).toMatchObject({
        ...{ code: 'TK004', message: expect.stringContaining('read committed') },
      })
    }
    expect(await store.list()).toEqual([])
  })
})

describe('a dispatch in plain SQL on a condition', () => {
  test('gives the id of the task that stands for it', async () => {
    const twin = await dispatched(`dispatch('task', dedupe_key => 'k')`)
    expect(await dispatched(`dispatch('task', dedupe_key => 'k')`)).toBe(twin)
    const skipped = await dispatched(`dispatch('task', dedupe_key => 'k', if_twin => 'skip')`)
    expect(await found(skipped)).toMatchObject({ state: 'skipped' })
    const call = `dispatch('task', dedupe_key => 'k', if_twin => 'replace')`
    const last = await dispatched(call)
    expect(await found(twin)).toMatchObject({
      ...{ state: 'canceled', cancelReason: `Replaced by task ${last}.` },
    })
    expect(await dispatched(`dispatch('task', dedupe_key => 'k')`)).toBe(last)
    expect(await dispatched(`dispatch('other', dedupe_key => 'k')`)).not.toBe(last)
  })

  test('skips a task that would have to wait', async () => {
    const call = `dispatch('task', exclusive => '{r}', if_blocked => 'skip')`
    expect(await found(await dispatched(call))).toMatchObject({ state: 'waiting' })
    expect(await found(await dispatched(call))).toMatchObject({
      ...{ state: 'skipped', error: { code: 'resources_busy' } },
    })
  })

  test('may repeat what it would do anyway', async () => {
    const call = `dispatch('task', exclusive => '{r}', if_twin => 'skip', if_blocked => 'wait')`
    await dispatched(call)
    expect(await found(await dispatched(call))).toMatchObject({
      ...{ state: 'waiting', unblockedAt: null },
    })
  })
})

describe('a trigger that dispatches', () => {
  beforeAll(async () => {
    await sql.unsafe(`
      create table orders (id int primary key, customer text not null);
      create function ship() returns trigger language plpgsql as $$
      begin
        perform tasking.dispatch(
          'order.ship', to_jsonb(new), exclusive => array['customer:' || new.customer],
          dedupe_key => new.id::text
        );
        return new;
      end $$;
      create trigger ship after insert on orders for each row execute function ship();
    `)
  })
  afterAll(() => sql.unsafe('drop table orders; drop function ship'))

  test('creates a task for each row, in line behind each other', async () => {
    await sql`insert into orders values (1, 'Ann'), (2, 'Bob'), (3, 'Ann')`
    const tasks = (await store.list()).toReversed()
    expect(tasks).toMatchObject([
      { name: 'order.ship', input: { id: 1, customer: 'Ann' }, dedupeKey: '1' },
      { resources: { exclusive: ['customer:Bob'] }, unblockedAt: expect.any(Date) },
      { input: { id: 3 }, unblockedAt: null },
    ])
  })

  test('creates none if the row is rolled back', async () => {
    const { count: before } = await sql`select from tasking.task`
    const changedMind = new Error('no order after all')
    const order = sql.begin(async (tx) => {
      await tx`insert into orders values (4, 'Ann')`
      expect((await tx`select from tasking.task`).count).toBe(before + 1)
      throw changedMind
    })
    expect(await rejection(order)).toBe(changedMind)
    expect(await store.list()).toEqual([])
    expect(await store.resources()).toEqual([])
  })

  test('does not keep others from dispatching at other resources until its commit', async () => {
    await sql.begin(async (tx) => {
      await tx`insert into orders values (5, 'Ann')`
      const [other] = await store.dispatch([taskOf(store, { exclusive: ['customer:Bob'] })])
      expect(other?.blocked).toBe(false)
    })
    const [last] = await store.dispatch([taskOf(store, { exclusive: ['customer:Ann'] })])
    expect(last?.blocked).toBe(true)
  })
})

describe('whoever listens', () => {
  /** What has arrived until a signal comes that the test sends itself. */
  async function heard(act: () => Promise<unknown>): Promise<Signal[]> {
    const signals: Signal[] = []
    const end = JSON.stringify({ kind: 'wakeup', queue: 'the end' })
    await store.check()
    let listening: () => void = () => undefined
    const connected = new Promise<void>((resolve) => (listening = resolve))
    let over: () => void = () => undefined
    const ended = new Promise<void>((resolve) => (over = resolve))
    const stop = await store.signals?.subscribe((signal) => {
      if (JSON.stringify(signal) === end) over()
      else signals.push(signal)
    }, listening)
    await connected
    await act()
    await sql`select pg_notify('tasking_signals', ${end})`
    await ended
    await stop?.()
    return signals
  }

  test('is woken for what can start, once per transaction and queue', async () => {
    const signals = await heard(async () => {
      await dispatched(`dispatch('task', queue => 'one')`)
      await sql.begin(async (tx) => {
        for (const queue of ['two', 'two', 'three']) {
          await tx`select tasking.dispatch('task', queue => ${queue})`
        }
      })
    })
    expect(signals).toEqual(['one', 'two', 'three'].map((queue) => ({ kind: 'wakeup', queue })))
  })

  test('is not woken for what was rolled back, has to wait, or is not to run', async () => {
    await dispatched(`dispatch('task', exclusive => '{r}', dedupe_key => 'k')`)
    const signals = await heard(async () => {
      await dispatched(`dispatch('task', exclusive => '{r}')`)
      await dispatched(`dispatch('task', exclusive => '{r}', if_blocked => 'skip')`)
      await dispatched(`dispatch('task', dedupe_key => 'k', if_twin => 'skip')`)
      const rolledBack = sql.begin(async (tx) => {
        await tx`select tasking.dispatch('task')`
        throw new Error('rolled back')
      })
      await rejection(rolledBack)
    })
    expect(signals).toEqual([])
  })

  test('is woken for what may go on since the task before it was replaced', async () => {
    await dispatched(`dispatch('task', exclusive => '{r}', dedupe_key => 'k')`)
    await dispatched(`dispatch('task', exclusive => '{r}')`)
    const call = `dispatch('task', exclusive => '{r}', dedupe_key => 'k', if_twin => 'replace')`
    expect(await heard(() => dispatched(call))).not.toEqual([])
  })
})

test('in a schema of another name it works alike', async () => {
  const schema = 'other_tasks'
  await migrate({ url: database.directUrl, schema })
  await using other = pgStore({ url: database.url, schema, listen: false })
  let hear: (payload: string) => void = () => undefined
  const heard = new Promise<string>((resolve) => (hear = resolve))
  await sql.listen(`${schema}_signals`, hear)
  const [row] = await sql.unsafe(
    `select ${schema}.dispatch('task', exclusive => '{r}', dedupe_key => 'k') as id`,
  )
  expect(JSON.parse(await heard)).toEqual({ kind: 'wakeup', queue: 'default' })
  const [task] = await other.find([String(row?.['id'])])
  expect(task).toMatchObject({ name: 'task', dedupeKey: 'k', unblockedAt: expect.any(Date) })
  expect(await other.resources()).toMatchObject([{ resource: 'r', length: 1 }])
  expect(await store.list()).toEqual([])
})
