import { nodePostgres, useDatabase } from '@tasking/testbed'
import postgres from 'postgres'
import { expect, test } from 'vitest'
import { figuresOf, median } from '../src/measure/figures.ts'
import type { Figures } from '../src/measure/figures.ts'
import { judgeGoal } from '../src/measure/judgement.ts'
import { othersShare } from '../src/measure/meter.ts'
import { parseMachine, parseProcess } from '../src/measure/processor-time.ts'
import { roundTrips } from '../src/measure/round-trips.ts'
import type { Sample } from '../src/measure/sample.ts'

const sample: Sample = {
  ...{ tasks: 500, seconds: 2, latenciesMs: [1, 2, 3], postgresCpu: 1, nodeCpu: 2 },
  ...{ commits: 750, roundTrips: 1_000, walBytes: 5_000, othersShare: 0.1, extra: {}, series: [] },
}

/** Figures with this many tasks per second. */
const fast = (tasksPerSecond: number): Figures => ({ ...figuresOf(sample), tasksPerSecond })

test('figures are per task, and processor time per 1,000', () => {
  expect(figuresOf(sample)).toEqual({
    ...{ tasksPerSecond: 250, p50Ms: 2, p99Ms: 3, postgresCpu: 2, nodeCpu: 4 },
    ...{ commitsPerTask: 1.5, roundTripsPerTask: 2, walBytesPerTask: 10 },
    ...{ othersShare: 0.1, extra: {} },
  })
})

test('the median of none, some, and an even number', () => {
  expect([median([]), median([3, 1, 9]), median([4, 1, 2, 9])]).toEqual([undefined, 3, 3])
})

test('a ratio is taken within each round', () => {
  const goal = {
    ...{ side: 'new', against: 'old', what: 'throughput', bound: { atLeast: 0.8 } },
    figure: ({ tasksPerSecond }: Figures) => tasksPerSecond,
  }
  const rounds = new Map([
    ['old', [fast(100), fast(1_000), fast(10)]],
    ['new', [fast(90), fast(700), fast(8.5)]],
  ])
  expect(judgeGoal(goal, rounds)).toMatchObject({
    ...{ value: 0.85, lowest: 0.7, highest: 0.9, met: true },
  })
  const stricter = { ...goal, bound: { atLeast: 0.9 } }
  expect(judgeGoal(stricter, rounds).met).toBe(false)
  const absolute = { side: 'new', what: goal.what, figure: goal.figure, bound: { atMost: 90 } }
  expect(judgeGoal(absolute, rounds)).toMatchObject({ value: 90, met: true })
})

test('a figure that the system does not tell leaves the verdict open', () => {
  const goal = {
    ...{ side: 'new', what: 'CPU', bound: { atMost: 1 } },
    figure: ({ postgresCpu }: Figures) => postgresCpu,
  }
  const rounds = new Map([['new', [{ ...fast(1), postgresCpu: undefined }]]])
  expect(judgeGoal(goal, rounds)).toMatchObject({ value: undefined, met: undefined })
})

test('a process, whatever it is called', () => {
  const line = '42 (a (b) c) S 7 42 42 0 -1 4194304 1 2 3 4 150 50 300 100 20 0 1 0 1 2 3'
  expect(parseProcess(line)).toEqual({ parent: 7, own: 2, ended: 4 })
})

test('the machine: all but idling and waiting for disks is work', () => {
  const text = 'cpu  100 10 50 800 40 5 5 90 60 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n'
  expect(parseMachine(text)).toEqual({ busy: 2.6, total: 11 })
})

test('what others used is what is busy and not ours', () => {
  const before = { busy: 10, total: 100 }
  const after = { busy: 16, total: 120 }
  expect(othersShare(before, after, 2)).toBe(0.2)
  expect(othersShare(before, after, 7)).toBe(0)
  expect(othersShare(undefined, after, 1)).toBeUndefined()
})

const database = useDatabase()

test('round trips are questions with an answer, not what comes unasked', async () => {
  const connect = () => postgres(database.url, { max: 1, fetch_types: false })
  await using ended = new AsyncDisposableStack()
  const listening = connect()
  ended.defer(() => listening.end({ timeout: 1 }))
  const heard: string[] = []
  let hear: () => void = () => undefined
  await listening.listen('bench', (payload) => {
    heard.push(payload)
    hear()
  })
  const asking = connect()
  ended.defer(() => asking.end({ timeout: 1 }))
  const prepared = () => asking.unsafe('select $1::int', [1], { prepare: true })
  await prepared()

  const before = roundTrips()
  for (let n = 0; n < 5; n += 1) await prepared()
  expect(roundTrips() - before).toBe(5)

  const arrived = new Promise<void>((resolve) => (hear = resolve))
  await asking`notify bench, 'news'`.simple()
  await arrived
  expect(heard).toEqual(['news'])
  expect(roundTrips() - before).toBe(6)

  // A long answer comes in many pieces.
  await asking`select repeat('x', 4000000)`.simple()
  expect(roundTrips() - before).toBe(7)
})

test('round trips of node-postgres, too, which the peers use', async () => {
  const pool = nodePostgres(database.directUrl, 1)
  try {
    await pool.query('select 1')
    const before = roundTrips()
    for (let n = 0; n < 5; n += 1)
      await pool.query({ name: 'one', text: 'select $1::int', values: [1] })
    expect(roundTrips() - before).toBe(5)
  } finally {
    await pool.end()
  }
})
