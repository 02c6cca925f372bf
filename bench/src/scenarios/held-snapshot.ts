import { setTimeout as sleep } from 'node:timers/promises'
import postgres from 'postgres'
import { benchDatabase } from '../bench-database.ts'
import type { BenchDatabase } from '../bench-database.ts'
import { Dispatchers } from '../processes/dispatchers.ts'
import { WorkerFleet } from '../processes/worker-fleet.ts'
import type { Figures } from '../measure/figures.ts'
import type { Scenario, Stage } from '../scenario.ts'
import { Course } from './course.ts'
import { freshSide } from './fresh-side.ts'

const none = 'nothing held'
const held = 'a transaction held open'
const perSecond = 800
const pattern = { kind: 'two', of: 10_000 } as const
const saturationAfter = 'saturated after /s'

export const heldSnapshot: Scenario = {
  name: 'held-snapshot',
  description: `${perSecond} tasks a second for minutes, beside a transaction that holds its snapshot`,
  rounds: 1,
  // What is measured here is how a database ages.
  sides: [
    freshSide(none, (stage) => measure(stage, false)),
    freshSide(held, (stage) => measure(stage, true)),
  ],
  goals: [
    {
      ...{ side: held, against: none, what: 'throughput, offered' },
      figure: ({ tasksPerSecond }) => tasksPerSecond,
      bound: { atLeast: 0.9 },
    },
    {
      ...{ side: held, against: none, what: 'throughput, saturated, afterwards' },
      figure: ({ extra }: Figures) => extra[saturationAfter],
      bound: { atLeast: 0.9 },
    },
  ],
}

async function measure(stage: Stage, holds: boolean) {
  await using database = await benchDatabase(stage)
  await using dispatchers = await Dispatchers.start(database.url, 2)
  await using fleet = await WorkerFleet.start({
    ...{ url: database.url, processes: 3, workers: 1, concurrency: 10, listen: true },
  })
  const before = await saturate(stage, dispatchers, fleet)
  await database.settle()
  await using _holder = holds ? await hold(database) : undefined
  const processes = [...dispatchers.processes, ...fleet.processes]
  const seconds = stage.minutes * 60
  const offered = await database.measure(processes, async () => {
    const finishedBefore = fleet.finished
    await using course = Course.start(stage, database, fleet, seconds)
    const dispatched = await dispatchers.offer({ perSecond, seconds, pattern })
    const tasks = fleet.finished - finishedBefore
    const { series, last } = await course.end()
    const backlog = dispatched - tasks
    return { tasks, series, extra: { 'offered /s': dispatched / seconds, backlog, ...last } }
  })
  const after = await saturate(stage, dispatchers, fleet)
  const extra = { 'saturated before /s': before, ...offered.extra, [saturationAfter]: after }
  return { ...offered, extra }
}

/** Dispatches as fast as it gets and waits for all that is open. @returns finished tasks a second */
async function saturate(stage: Stage, dispatchers: Dispatchers, fleet: WorkerFleet) {
  const tasks = stage.scaled(4_000, 200)
  // What an earlier load has left is nobody's gain.
  await untilQuiet(fleet)
  const finishedBefore = fleet.finished
  const startedAt = performance.now()
  await dispatchers.dispatch({ tasks, callers: 6, pattern })
  await fleet.untilFinished(finishedBefore + tasks * dispatchers.processes.length)
  return ((fleet.finished - finishedBefore) / (performance.now() - startedAt)) * 1_000
}

async function untilQuiet(fleet: WorkerFleet): Promise<void> {
  for (let before = -1; before !== fleet.finished; await sleep(500)) before = fleet.finished
}

/** A session that has a transaction id and a snapshot, and keeps both. */
async function hold({ url }: BenchDatabase): Promise<AsyncDisposable> {
  const sql = postgres(url, { max: 1, fetch_types: false })
  await sql`begin isolation level repeatable read`
  await sql`select pg_current_xact_id(), count(*) from tasking.app_status`
  return {
    async [Symbol.asyncDispose]() {
      await sql`rollback`
      await sql.end({ timeout: 5 })
    },
  }
}
