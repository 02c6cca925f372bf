import type { Sql } from 'postgres'
import type { ProcessUsage } from '../processes/usage.ts'
import { usageOfThisProcess } from '../processes/usage.ts'
import type { MachineTimes } from './processor-time.ts'
import { machineSeconds, serverSeconds } from './processor-time.ts'
import type { Sample, Work } from './sample.ts'

/** A process of the benchmark that can tell what it has used. */
export interface Metered {
  usage(): Promise<ProcessUsage>
}

/** What is read before and after: one server, and the Node processes that work on it. */
export interface Scope {
  /** A connection that does nothing of what is measured. */
  readonly sql: Sql
  /** The first process of the server. */
  readonly postmaster: number
  readonly processes?: readonly Metered[]
}

/** Does some work and says what it took. */
export async function sample(scope: Scope, work: () => Promise<Work>): Promise<Sample> {
  const { postmaster, processes = [] } = scope
  const logBefore = await readLog(scope.sql)
  const machineBefore = machineSeconds()
  const serverBefore = serverSeconds(postmaster)
  const nodeBefore = await usageOf(processes)
  const startedAt = performance.now()

  const { tasks, latenciesMs = [], extra = {}, series = [] } = await work()

  const seconds = (performance.now() - startedAt) / 1_000
  const nodeAfter = await usageOf(processes)
  const serverAfter = serverSeconds(postmaster)
  const machineAfter = machineSeconds()
  const logAfter = await readLog(scope.sql)

  const postgresCpu = difference(serverAfter, serverBefore)
  const nodeCpu = nodeAfter.cpuSeconds - nodeBefore.cpuSeconds
  return {
    ...{ tasks, seconds, latenciesMs, postgresCpu, nodeCpu, extra, series },
    commits: Number(logAfter.transactions - logBefore.transactions),
    roundTrips: nodeAfter.roundTrips - nodeBefore.roundTrips,
    walBytes: Number(logAfter.bytes - logBefore.bytes),
    othersShare: othersShare(machineBefore, machineAfter, (postgresCpu ?? 0) + nodeCpu),
  }
}

/** How much of the machine something else used, from 0 to 1. */
export function othersShare(
  before: MachineTimes | undefined,
  after: MachineTimes | undefined,
  ownSeconds: number,
): number | undefined {
  if (before === undefined || after === undefined || after.total <= before.total) return undefined
  const others = after.busy - before.busy - ownSeconds
  return Math.max(0, others / (after.total - before.total))
}

async function usageOf(processes: readonly Metered[]): Promise<ProcessUsage> {
  const usages = await Promise.all(processes.map((process) => process.usage()))
  return [...usages, usageOfThisProcess()].reduce((sum, one) => ({
    cpuSeconds: sum.cpuSeconds + one.cpuSeconds,
    roundTrips: sum.roundTrips + one.roundTrips,
  }))
}

// Transactions that wrote something, by the number of the next one: PostgreSQL's own count of
// commits has the others too, and lags by up to ten seconds.
async function readLog(sql: Sql): Promise<{ transactions: bigint; bytes: bigint }> {
  const [row] = await sql<{ transactions: string; bytes: string }[]>`
    select pg_snapshot_xmax(pg_current_snapshot())::text as transactions,
           (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint::text as bytes`
  return { transactions: BigInt(row?.transactions ?? 0), bytes: BigInt(row?.bytes ?? 0) }
}

function difference(after: number | undefined, before: number | undefined): number | undefined {
  return after === undefined || before === undefined ? undefined : after - before
}
