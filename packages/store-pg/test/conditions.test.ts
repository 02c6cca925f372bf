import { systemClock, TaskingError } from '@tasking/core'
import type {
  ClaimedTask,
  DispatchedTask,
  Look,
  NewTask,
  ResourceRequest,
  TaskId,
} from '@tasking/core'
import { eventually, useDatabase } from '@tasking/testbed'
import postgres from 'postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { runs } from '../../core/test/arbitraries.ts'
import { pgStore } from '../src/index.ts'
import type { PgStore, VerbReport } from '../src/index.ts'
import { emptied } from './emptied.ts'
import { claim, completed, register, taskOf } from './hand.ts'
import { OpenTransaction } from './open-transaction.ts'

const dispatchers = 32

const database = useDatabase()
let store: PgStore
let sql: postgres.Sql

beforeAll(() => {
  store = pgStore({ url: database.url, listen: false, poolSize: dispatchers })
  sql = postgres(database.url, { max: 4, prepare: false, onnotice: () => undefined })
})
beforeEach(() => emptied(sql))
afterAll(async () => {
  await store.close()
  await sql.end({ timeout: 1 })
})

function conditional(request: ResourceRequest, rest: Partial<NewTask>): NewTask {
  return { ...taskOf(store, request), ...rest }
}

/** All dispatch their batch at once. */
function atOnce(batches: readonly (readonly NewTask[])[]): Promise<DispatchedTask[][]> {
  return Promise.all(batches.map((batch) => store.dispatch(batch)))
}

const times = <T>(count: number, make: (n: number) => T): T[] =>
  Array.from({ length: count }, (_, n) => make(n))

async function countByState(): Promise<Record<string, number>> {
  const rows = await sql`select state, count(*)::int as n from tasking.task group by state`
  return Object.fromEntries(rows.map(({ state, n }) => [String(state), Number(n)]))
}

describe('of many that dispatch with one key at once', () => {
  test('all get the one task, if that is to be returned', async () => {
    for (const dedupeKey of ['a', 'b', 'c']) {
      const batches = times(dispatchers, () => [
        conditional({ exclusive: ['r'] }, { dedupeKey, ifTwin: 'return' }),
      ])
      const answers = (await atOnce(batches)).flat()
      expect(new Set(answers.map(({ id }) => id)).size).toBe(1)
      expect(await sql`select from tasking.task where dedupe_key = ${dedupeKey}`).toHaveLength(1)
    }
  })

  test('one is dispatched, if the others are to be skipped', async () => {
    await atOnce(times(dispatchers, () => [conditional({}, { dedupeKey: 'k', ifTwin: 'skip' })]))
    expect(await countByState()).toEqual({ waiting: 1, skipped: dispatchers - 1 })
  })

  test('one is left, if each replaces the one before it', async () => {
    const batches = times(dispatchers, () => [
      conditional({ exclusive: ['r'] }, { dedupeKey: 'k', ifTwin: 'replace' }),
    ])
    const answers = (await atOnce(batches)).flat()
    expect(answers.map(({ id }) => id)).toEqual(batches.flat().map(({ id }) => id))
    expect(await countByState()).toEqual({ waiting: 1, canceled: dispatchers - 1 })
    const reasons = await sql`select cancel_reason from tasking.task where state = 'canceled'`
    expect(new Set(reasons.map((row) => String(row['cancel_reason']))).size).toBe(dispatchers - 1)
    expect(await claim(store, await register(store), dispatchers)).toHaveLength(1)
  })

  test('one is left, whatever each of them wants, and although some change their mind', async () => {
    const rules = ['return', 'skip', 'replace', 'replace'] as const
    const attempts = times(dispatchers * 2, async (n) => {
      const task = conditional(
        { exclusive: ['r'] },
        { dedupeKey: 'k', ifTwin: rules[n % 4] ?? 'return' },
      )
      if (n % 3 > 0) return store.dispatch([task])
      return sql
        .begin(async (tx) => {
          await store.dispatch([task], { tx })
          throw new Error('changed its mind')
        })
        .catch(() => [])
    })
    const answers = (await Promise.all(attempts)).flat()
    const incomplete = await sql`select id from tasking.task where finished_at is null`
    expect(incomplete).toHaveLength(1)
    const told = new Set(answers.map(({ id }) => id))
    expect(incomplete.every(({ id }) => told.has(String(id)))).toBe(true)
  })
})

describe('of many that are not to wait', () => {
  test('one is dispatched, the others are skipped', async () => {
    const batches = times(dispatchers, () => [
      conditional({ exclusive: ['r'] }, { ifBlocked: 'skip' }),
    ])
    await atOnce(batches)
    expect(await countByState()).toEqual({ waiting: 1, skipped: dispatchers - 1 })
    expect(await claim(store, await register(store), dispatchers)).toHaveLength(1)
  })

  test('one is dispatched, the others are errors', async () => {
    const task = () => conditional({ exclusive: ['a', 'b'] }, { ifBlocked: 'fail' })
    const answers = await Promise.allSettled(times(dispatchers, () => store.dispatch([task()])))
    const refused = answers.filter(({ status }) => status === 'rejected')
    expect(refused).toHaveLength(dispatchers - 1)
    for (const answer of refused) {
      expect(answer).toMatchObject({ reason: { code: 'resources_busy', resource: 'a', index: 0 } })
    }
    expect(await countByState()).toEqual({ waiting: 1 })
  })

  test('as many are dispatched as there are units', async () => {
    const counted = [{ resource: 'gpu', amount: 2, capacity: 11 }]
    await atOnce(times(dispatchers, () => [conditional({ counted }, { ifBlocked: 'skip' })]))
    expect(await countByState()).toEqual({ waiting: 5, skipped: dispatchers - 5 })
  })

  test('all are dispatched that only share', async () => {
    await atOnce(times(dispatchers, () => [conditional({ shared: ['r'] }, { ifBlocked: 'fail' })]))
    expect(await countByState()).toEqual({ waiting: dispatchers })
  })

  test('one is dispatched of those with more resources than are locked one by one', async () => {
    const exclusive = times(70, (n) => `r${n}`)
    await atOnce(
      times(8, (n) => [
        conditional(n % 2 ? { exclusive } : { exclusive: ['r7'] }, { ifBlocked: 'skip' }),
      ]),
    )
    const { waiting, skipped } = await countByState()
    expect([waiting, skipped]).toEqual([1, 7])
  })
})

/** Claims and finishes without a pause, and tells if two ran at once or one ran twice. */
class Runner {
  readonly #store: PgStore
  readonly ran = new Set<TaskId>()
  readonly faults: string[] = []
  #stopped = false
  readonly #ended: Promise<void>

  constructor(of: PgStore, workerId: string, exclusively: boolean) {
    this.#store = of
    this.#ended = this.#run(workerId, exclusively).catch((error: unknown) => {
      this.faults.push(String(error))
    })
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#ended
  }

  async #run(workerId: string, exclusively: boolean): Promise<void> {
    let running: readonly ClaimedTask[] = []
    let looks: readonly Look[] = []
    while (!this.#stopped || running.length > 0 || looks.length > 0) {
      const result = await this.#store.turn({
        ...{ workerId, looks, slots: this.#stopped ? 0 : 4 },
        completions: running.map(completed),
      })
      if (result.refused.length > 0) this.faults.push(`refused ${result.refused.join()}`)
      for (const { id } of result.claimed) {
        if (this.ran.has(id)) this.faults.push(`${id} ran twice`)
        this.ran.add(id)
      }
      const unsettled = running.filter(({ id }) => result.unsettled.includes(id))
      if (exclusively && unsettled.length + result.claimed.length > 1) {
        this.faults.push('two at once')
      }
      running = [...unsettled, ...result.claimed]
      looks = result.looks
    }
  }
}

/** Lets everything that is left go its way, to the end. */
async function drain(workerId: string): Promise<void> {
  // What a cancel or a replacement left to look at is the sweep's.
  await store.housekeep()
  const runner = new Runner(store, workerId, false)
  try {
    await eventually(
      async () => (await sql`select from tasking.task where finished_at is null`).length === 0,
      { what: 'everything to be finished' },
    )
  } finally {
    await runner.stop()
  }
}

/** Ends tasks, and tells of it again until all of it has been taken. */
async function finish(of: PgStore, workerId: string, tasks: readonly ClaimedTask[]) {
  let left = tasks
  while (left.length > 0) {
    const completions = left.map(completed)
    const { unsettled } = await of.turn({ workerId, slots: 0, completions, looks: [] })
    left = left.filter(({ id }) => unsettled.includes(id))
  }
}

describe('beside a worker that claims and finishes', () => {
  test('a replaced task either never ran or runs to its end, alone', async () => {
    const workerId = await register(store)
    const runner = new Runner(store, workerId, true)
    const answers: DispatchedTask[] = []
    await Promise.all(
      times(8, async () => {
        for (let n = 0; n < runs(15); n += 1) {
          const task = conditional({ exclusive: ['r'] }, { dedupeKey: 'k', ifTwin: 'replace' })
          answers.push(...(await store.dispatch([task])))
        }
      }),
    )
    await runner.stop()
    await drain(workerId)
    expect(runner.faults).toEqual([])
    const tasks = await store.find(answers.map(({ id }) => id))
    expect(tasks).toHaveLength(answers.length)
    for (const { state, startedAt, cancelReason } of tasks) {
      if (state === 'canceled') {
        expect([startedAt, cancelReason?.slice(0, 12)]).toEqual([null, 'Replaced by '])
      } else expect(state).toBe('completed')
    }
    const states = new Set(tasks.map(({ state }) => state))
    // Otherwise there was no race.
    expect(states).toEqual(new Set(['completed', 'canceled']))
  })

  test('one that is not to wait is skipped only while something is before it', async () => {
    const workerId = await register(store)
    const runner = new Runner(store, workerId, true)
    const answers: DispatchedTask[] = []
    await Promise.all(
      times(4, async () => {
        for (let n = 0; n < runs(25); n += 1) {
          const task = conditional({ exclusive: ['r'] }, { ifBlocked: 'skip' })
          answers.push(...(await store.dispatch([task])))
        }
      }),
    )
    await runner.stop()
    await drain(workerId)
    expect(runner.faults).toEqual([])
    expect(answers.every(({ state, blocked }) => blocked === (state === 'skipped'))).toBe(true)
    const { completed: done = 0, skipped = 0 } = await countByState()
    expect(done + skipped).toBe(answers.length)
    const [last] = await store.dispatch([conditional({ exclusive: ['r'] }, { ifBlocked: 'fail' })])
    expect(last?.blocked).toBe(false)
  })
})

describe('a transaction of a dispatcher that replaces a running task, and stays open', () => {
  test('holds up nothing of the worker that runs it', async () => {
    const workerId = await register(store)
    const rest = { dedupeKey: 'k', ifTwin: 'replace' } as const
    await store.dispatch([conditional({ exclusive: ['r'] }, rest), taskOf(store), taskOf(store)])
    const [twin, other] = await claim(store, workerId, 2)
    if (twin === undefined || other === undefined) throw new Error('two tasks')
    const replacing = conditional({ exclusive: ['r'] }, rest)
    await using open = await OpenTransaction.begin(sql, (tx) => store.dispatch([replacing], { tx }))
    const ends = [twin, other].map(completed)
    const first = await store.turn({ workerId, slots: 5, completions: ends, looks: [] })
    expect([first.refused, first.claimed.length]).toEqual([[], 1])
    expect(await store.find([other.id])).toMatchObject([{ state: 'completed' }])
    await open.commit()
    const again = ends.filter(({ id }) => first.unsettled.includes(id))
    const { looks } = first
    const { claimed } = await store.turn({ workerId, slots: 5, completions: again, looks })
    expect(claimed.map(({ id }) => id)).toEqual([replacing.id])
    expect(await store.find([twin.id])).toMatchObject([{ state: 'completed', dedupeKey: null }])
  })
})

test('a dispatcher that replaces several, and a worker that ends them, do not meet in a deadlock', async () => {
  const reports: VerbReport[] = []
  await using observed = pgStore({
    ...{ url: database.url, listen: false, poolSize: 4 },
    onVerb: (report) => reports.push(report),
  })
  const keys = times(20, (n) => `k${n}`)
  const workerId = await register(store)
  for (let round = 0; round < runs(10); round += 1) {
    const batch = (order: readonly string[]) =>
      order.map((dedupeKey) => conditional({}, { dedupeKey, ifTwin: 'replace' }))
    await store.dispatch(batch(keys))
    const running = await claim(store, workerId, keys.length)
    await Promise.all([
      observed.dispatch(batch(keys.toReversed())),
      finish(observed, workerId, running),
    ])
    await drain(workerId)
  }
  expect(reports.filter(({ repeats }) => repeats > 0)).toEqual([])
})

describe('random batches on conditions', () => {
  test('with workers, cancels and housekeeping: no deadlock, nothing stuck, no wrong error', async () => {
    const reports: VerbReport[] = []
    await using observed = pgStore({
      ...{ url: database.url, listen: false, poolSize: 16 },
      onVerb: (report) => reports.push(report),
    })
    const pick = <T>(list: readonly [T, ...T[]]): T =>
      list[Math.floor(systemClock.random() * list.length)] ?? list[0]
    const resource = () => pick(['r1', 'r2', 'r3', 'r4', 'r5'])
    const random = (): NewTask => {
      const request = pick<ResourceRequest>([
        { exclusive: [resource(), resource()] },
        { exclusive: [resource()], shared: [resource()] },
        { counted: [{ resource: resource(), amount: 2, capacity: 3 }], shared: [resource()] },
        {},
      ])
      return conditional(
        request,
        pick<Partial<NewTask>>([
          {},
          { dedupeKey: pick(['k1', 'k2', 'k3']), ifTwin: pick(['return', 'skip', 'replace']) },
          { dedupeKey: pick(['k1', 'k2', 'k3']), ifTwin: 'replace' },
          { ifBlocked: pick(['skip', 'fail']) },
          { dedupeKey: pick(['k4', 'k5']), ifTwin: 'replace', ifBlocked: 'skip' },
        ]),
      )
    }
    const workers = await Promise.all(times(3, () => register(store)))
    const runners = workers.map((id) => new Runner(observed, id, false))
    const errors: unknown[] = []
    const failing = (promise: Promise<unknown>) =>
      promise.catch((error: unknown) => errors.push(error))
    await Promise.all([
      ...times(8, async () => {
        for (let n = 0; n < runs(25); n += 1) {
          const batch = times(1 + (n % 5), random)
          await failing(observed.dispatch(batch))
          if (n % 4 === 0) await failing(observed.cancel(pick([batch[0]?.id ?? ''])))
        }
      }),
      ...times(2, async () => {
        for (let n = 0; n < runs(10); n += 1) await observed.housekeep()
      }),
    ])
    await Promise.all(runners.map((runner) => runner.stop()))
    const expected = new Set(['resources_busy', 'task_not_found', 'task_state_conflict'])
    const wrong = errors.filter(
      (error) => !(error instanceof TaskingError && expected.has(error.code)),
    )
    expect(wrong).toEqual([])
    const [first] = workers
    await drain(first ?? '')
    expect(await store.resources()).toEqual([])
    expect(runners.flatMap(({ faults }) => faults)).toEqual([])
    expect(reports.filter(({ repeats }) => repeats > 0)).toEqual([])
  }, 120_000)
})
