import { setTimeout as sleep } from 'node:timers/promises'
import postgres from 'postgres'
import { batchEntry, createTasking } from '@tasking/core'
import type { Tasking } from '@tasking/core'
import { pgStore } from '@tasking/store-pg'
import type { CallerTransaction } from '@tasking/store-pg'
import { recordDispatch } from './dispatch-ledger.ts'
import { serveMember } from './member.ts'
import { Mix } from './mix.ts'
import type { MixedDispatch, MixedTask } from './mix.ts'
import { stressTask } from './stress-task.ts'
import { Transactions } from './transactions.ts'

export interface DispatcherSetup {
  readonly url: string
  /** Where dispatches are noted, and where handlers note their starts and ends. */
  readonly ledger: string
  readonly recordings: string
  readonly seed: number
  /** The index of its first task, and the distance to the next one. */
  readonly first: number
  readonly step: number
}

const callers = 3
// More than these in line would only take longer to drain.
const mostReservations = 600
const pauseMs = 50

class RollBack extends Error {}

serveMember<DispatcherSetup>(run)

async function run(
  { url, ledger, recordings, seed, first, step }: DispatcherSetup,
  isStopped: () => boolean,
): Promise<number> {
  let planned = 0
  const sql = postgres(url, { max: callers, fetch_types: false, onnotice: () => undefined })
  const transactions = new Transactions(url, callers)
  const tasking = createTasking({ store: pgStore({ url }), tasks: [stressTask] })
  const mix = new Mix(seed, first, step)
  const caller = async () => {
    while (!isStopped()) {
      if (await isFull(sql)) {
        await sleep(pauseMs)
        continue
      }
      const next = mix.next()
      planned += next.tasks.length
      const recordEnd = recordDispatch(ledger, next.tasks.map(entry))
      recordEnd(await dispatch(tasking, transactions, next, recordings))
    }
  }
  await Promise.all(Array.from({ length: callers }, caller))
  await tasking.close()
  await transactions.close()
  await sql.end({ timeout: 5 })
  return planned
}

async function dispatch(
  tasking: Tasking<CallerTransaction>,
  transactions: Transactions,
  { tasks, transaction }: MixedDispatch,
  recordings: string,
) {
  const entries = tasks.map(({ index, resources, durationMs, priority }) =>
    batchEntry(stressTask, { index, resources, durationMs, recordings }, { priority }),
  )
  try {
    if (transaction === undefined) {
      await tasking.dispatchBatch(entries)
      return 'kept'
    }
    await transactions.run(async (tx) => {
      await tasking.dispatchBatch(entries, { tx })
      await sleep(transaction.openMs)
      if (transaction.rollBack) throw new RollBack()
    })
    return 'kept'
  } catch (error) {
    // Sessions are ended under it: whether such a commit took place, nobody can say.
    return error instanceof RollBack ? 'rolled back' : 'uncertain'
  }
}

async function isFull(sql: postgres.Sql): Promise<boolean> {
  try {
    const [row] = await sql<{ count: number }[]>`
      select count(*)::int as count from tasking.reservation`
    return (row?.count ?? 0) > mostReservations
  } catch {
    return false
  }
}

function entry({ index, resources }: MixedTask) {
  return { index, resources }
}
