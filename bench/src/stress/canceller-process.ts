import { setTimeout as sleep } from 'node:timers/promises'
import postgres from 'postgres'
import { TaskingError } from '@tasking/core'
import { pgStore } from '@tasking/store-pg'
import { serveMember } from './member.ts'

export interface CancellerSetup {
  readonly url: string
}

const pauseMs = 40
const atOnce = 2

serveMember<CancellerSetup>(run)

/** Cancels tasks that stand in line, waiting or running, whichever it comes across. */
async function run({ url }: CancellerSetup, isStopped: () => boolean): Promise<number> {
  let canceled = 0
  const sql = postgres(url, { max: 1, fetch_types: false, onnotice: () => undefined })
  await using store = pgStore({ url })
  while (!isStopped()) {
    await Promise.all((await someTasks(sql)).map((id) => cancel(id)))
    await sleep(pauseMs)
  }
  await sql.end({ timeout: 5 })
  return canceled

  async function cancel(id: string): Promise<void> {
    try {
      await store.cancel(id, 'stress')
      canceled += 1
    } catch (error) {
      // It has ended in the meantime, or the session has.
      if (!(error instanceof TaskingError)) throw error
    }
  }
}

async function someTasks(sql: postgres.Sql): Promise<string[]> {
  try {
    const rows = await sql<{ id: string }[]>`
      select task_id as id from tasking.reservation order by random() limit ${atOnce}`
    return [...new Set(rows.map(({ id }) => id))]
  } catch {
    return []
  }
}
