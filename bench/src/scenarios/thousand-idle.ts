import { setTimeout as sleep } from 'node:timers/promises'
import { pgBouncerAvailable, startPgBouncer } from '@tasking/testbed'
import { benchDatabase } from '../bench-database.ts'
import type { BenchDatabase } from '../bench-database.ts'
import { benchTask } from '../bench-task.ts'
import { serverSeconds } from '../measure/processor-time.ts'
import { WorkerFleet } from '../processes/worker-fleet.ts'
import { resourcesOf } from '../resource-pattern.ts'
import type { Goal, Scenario, SideDefinition, Stage } from '../scenario.ts'
import { freshSide } from './fresh-side.ts'

const processes = 8
const polling = 'polling'
const listening = 'listening'
const secondsPerTask = 10
const settlingMs = 15_000

const missing = 'workers gone missing'
const transactions = 'transactions/s'
const processor = 'PostgreSQL, % of a core'

export const thousandIdle: Scenario = {
  name: 'thousand-idle',
  description: `1,000 workers in ${processes} processes through PgBouncer, and a task every ${secondsPerTask} seconds`,
  sides: [side(polling), side(listening)],
  goals: [polling, listening].flatMap((name) => [
    goal(name, missing, 0),
    goal(name, transactions, 250),
    goal(name, processor, 10),
  ]),
  rounds: 1,
}

function goal(name: string, what: string, atMost: number): Goal {
  return { ...{ side: name, what, figure: ({ extra }) => extra[what] }, bound: { atMost } }
}

function side(name: string): SideDefinition {
  return freshSide(name, async (stage) => {
    await using database = await benchDatabase(stage)
    await using entrance = await pooled(stage, database.url)
    const workers = stage.scaled(1_000 / processes, 5)
    await using fleet = await WorkerFleet.start({
      ...{ url: entrance.url, processes, workers, concurrency: 1, sharesStore: true },
      // A pooler has no connection to listen on.
      listen: name === listening && database.url,
    })
    await using tasking = database.tasking({ listen: false })
    await sleep(settlingMs)
    return await database.measure(fleet.processes, async () => {
      const seconds = stage.minutes * 60
      const before = await usedBy(stage, database)
      const latenciesMs: number[] = []
      const startedAt = performance.now()
      for (let n = 1; n <= seconds / secondsPerTask; n += 1) {
        await sleep(startedAt + n * secondsPerTask * 1_000 - performance.now())
        const dispatchedAt = performance.now()
        await tasking.dispatch(benchTask, resourcesOf({ kind: 'own' }))
        await fleet.untilFinished(n)
        latenciesMs.push(performance.now() - dispatchedAt)
      }
      const after = await usedBy(stage, database)
      const passed = (performance.now() - startedAt) / 1_000
      const alive = (await tasking.store.workers()).filter((worker) => worker.alive).length
      return {
        ...{ tasks: latenciesMs.length, latenciesMs },
        extra: {
          workers: workers * processes,
          [missing]: Math.max(await fleet.missing(), workers * processes - alive),
          [transactions]: (after.transactions - before.transactions) / passed,
          [processor]: ((after.cpuSeconds - before.cpuSeconds) / passed) * 100,
        },
      }
    })
  })
}

async function pooled(stage: Stage, url: string) {
  if (pgBouncerAvailable()) {
    return startPgBouncer({ url, settings: { max_client_conn: 5_000 } })
  }
  stage.note('thousand-idle: PgBouncer is not installed; the workers connect directly')
  return { url, [Symbol.asyncDispose]: async () => undefined }
}

/** All transactions, also those that only read. */
async function usedBy({ server }: Stage, { sql }: BenchDatabase) {
  const [row] = await sql<{ transactions: string }[]>`
    select (xact_commit + xact_rollback)::text as transactions
      from pg_stat_database where datname = current_database()`
  return {
    transactions: Number(row?.transactions ?? 0),
    cpuSeconds: serverSeconds(server.pid ?? 0) ?? 0,
  }
}
