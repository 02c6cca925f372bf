import { setTimeout as sleep } from 'node:timers/promises'
import postgres from 'postgres'
import { TaskingError } from '@tasking/core'
import { pgStore } from '@tasking/store-pg'
import { serve } from '../processes/service.ts'
import type { MemberApi } from './team.ts'

export interface CancellerSetup {
  readonly url: string
}

const pauseMs = 40
const atOnce = 2

let stopped = false
let canceled = 0
let running: Promise<unknown> = Promise.resolve()

serve<MemberApi<CancellerSetup>>({
  async start({ url }) {
    running = run(url)
    running.catch((error: unknown) => {
      console.error(error)
      process.exit(1)
    })
  },
  async stop() {
    stopped = true
    await running
    return canceled
  },
})

/** Cancels tasks that stand in line, waiting or running, whichever it comes across. */
async function run(url: string): Promise<void> {
  const sql = postgres(url, { max: 1, fetch_types: false, onnotice: () => undefined })
  await using store = pgStore({ url })
  while (!stopped) {
    await Promise.all((await someTasks(sql)).map((id) => cancel(id)))
    await sleep(pauseMs)
  }
  await sql.end({ timeout: 5 })

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
