import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import postgres from 'postgres'
import type { Sql } from 'postgres'
import { migrate } from '@tasking/store-pg'
import { readRecordings } from '@tasking/workload'
import { Chaos } from './chaos.ts'
import { readLedger } from './dispatch-ledger.ts'
import { judgeStress } from './judge.ts'
import type { StoredTask, StressVerdict } from './judge.ts'
import { Team } from './team.ts'
import { WorkerCrew } from './worker-crew.ts'

const dispatcherScript = new URL('./dispatcher-process.ts', import.meta.url)
const cancellerScript = new URL('./canceller-process.ts', import.meta.url)
const noteEveryMs = 5_000
const lookEveryMs = 250
const concurrency = 8
const ttlMs = 4_000
// Several times what it takes to find a missing worker and to sweep.
const patienceMs = 40_000
const fewestDeaths = 2
const indexesPerProcess = 10_000_000

export interface StressOptions {
  /** Of a database for this alone; it is migrated. */
  readonly url: string
  readonly seconds: number
  /** Half of them work, one of eight cancels, the others dispatch. At least 3. */
  readonly processes: number
  readonly seed: number
}

export interface StressResult {
  readonly verdict: StressVerdict
  /** Tasks that somebody meant to dispatch. */
  readonly planned: number
  readonly cancels: number
  readonly killed: number
  readonly retired: number
  /** Workers that ended by themselves, since they could not renew their heartbeats in time. */
  readonly gaveUp: number
  readonly sessions: number
  /** How processes ended that nobody had asked to end. */
  readonly crashes: readonly string[]
}

/** Lets real processes do everything at once for a while, and judges what came of it. */
export async function runStress(
  { url, seconds, processes, seed }: StressOptions,
  note: (text: string) => void,
): Promise<StressResult> {
  await migrate({ url })
  const directory = mkdtempSync(join(tmpdir(), 'tasking-stress-'))
  const ledger = join(directory, 'dispatches')
  const recordings = join(directory, 'runs')
  for (const each of [ledger, recordings]) mkdirSync(each)
  const cancellers = Math.max(1, Math.floor(processes / 8))
  const workers = Math.ceil((processes - cancellers) / 2)
  const dispatchers = Math.max(1, processes - cancellers - workers)
  await using cleanUp = new AsyncDisposableStack()
  cleanUp.defer(() => rmSync(directory, { recursive: true, force: true }))
  const sql = postgres(url, { max: 1, fetch_types: false, onnotice: () => undefined })
  cleanUp.defer(() => sql.end({ timeout: 5 }))

  const crew = cleanUp.use(new WorkerCrew({ url, concurrency, ttlMs }, workers))
  const dispatching = cleanUp.use(
    new Team({
      ...{ script: dispatcherScript, size: dispatchers },
      setup(number, before) {
        const first = number + before * indexesPerProcess
        return { url, ledger, recordings, seed, first, step: dispatchers }
      },
    }),
  )
  const cancelling = cleanUp.use(
    new Team({ script: cancellerScript, size: cancellers, setup: () => ({ url }) }),
  )
  // Even a short run shall see some of them die.
  const workerEveryMs = Math.min(5_000, (seconds * 1_000) / (fewestDeaths * 2))
  await untilBegun(sql)
  const chaos = cleanUp.use(new Chaos(sql, crew, workerEveryMs))

  for (let left = seconds * 1_000; left > 0; left -= noteEveryMs) {
    await sleep(Math.min(left, noteEveryMs))
    const { killed, retired, sessions } = chaos.counts
    note(
      `${(seconds - Math.max(0, left - noteEveryMs) / 1_000).toFixed(0)} s: ${await countTasks(sql)} tasks; ` +
        `${killed} workers killed, ${retired} retired, ${sessions} sessions ended`,
    )
  }
  await chaos.stop()
  await dispatching.stop()
  const cancels = await cancelling.stop()
  note('No more tasks come; waiting for those that are there.')
  const tasks = await untilDrained(sql)
  const placesLeft = await countPlaces(sql)
  await crew[Symbol.asyncDispose]()

  const { deaths, deadWorkers, gaveUp } = crew
  const entries = readLedger(ledger)
  const runs = readRecordings(recordings)
  const evidence = { tasks, placesLeft, deaths, deadWorkers, entries, runs }
  const crashes = [...crew.crashes, ...dispatching.crashes, ...cancelling.crashes]
  return {
    ...{ planned: entries.length, cancels, gaveUp, crashes, ...chaos.counts },
    verdict: judgeStress(evidence),
  }
}

// Processes take a while to start, and what none of them sees harms nobody.
async function untilBegun(sql: Sql): Promise<void> {
  const finished = async () => {
    const [row] = await sql<{ count: number }[]>`
      select count(*)::int as count from tasking.task where finished_at is not null`
    return (row?.count ?? 0) > 0
  }
  while (!(await finished())) await sleep(lookEveryMs)
}

/** Waits until every task is in a final state, or nothing has changed for too long. */
async function untilDrained(sql: Sql): Promise<StoredTask[]> {
  let changedAt = performance.now()
  for (let before = -1; ; await sleep(lookEveryMs)) {
    const [row] = await sql<{ open: number }[]>`
      select count(*)::int as open from tasking.task where finished_at is null`
    const open = row?.open ?? 0
    if (open !== before) changedAt = performance.now()
    before = open
    if (open === 0 || performance.now() - changedAt > patienceMs) break
  }
  return readTasks(sql)
}

function readTasks(sql: Sql): Promise<StoredTask[]> {
  return sql<StoredTask[]>`
    select (input ->> 'index')::int as index, state, worker_id as "workerId",
           error ->> 'code' as "errorCode"
      from tasking.task`
}

async function countTasks(sql: Sql): Promise<number> {
  const [row] = await sql<{ count: number }[]>`select count(*)::int as count from tasking.task`
  return row?.count ?? 0
}

async function countPlaces(sql: Sql): Promise<number> {
  const [row] = await sql<{ count: number }[]>`
    select count(*)::int as count from tasking.reservation`
  return row?.count ?? 0
}
