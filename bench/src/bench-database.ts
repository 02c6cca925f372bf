import postgres from 'postgres'
import type { Sql } from 'postgres'
import { createTasking } from '@tasking/core'
import type { Tasking } from '@tasking/core'
import { migrate, pgStore } from '@tasking/store-pg'
import type { CallerTransaction } from '@tasking/store-pg'
import { benchTask } from './bench-task.ts'
import { sample } from './measure/meter.ts'
import type { Metered } from './measure/meter.ts'
import type { Sample, Work } from './measure/sample.ts'
import type { Stage } from './scenario.ts'

/** A database of one side, with the tables of a task system. */
export interface BenchDatabase extends AsyncDisposable {
  readonly url: string
  /** Beside what is measured: to fill tables and to look at them. */
  readonly sql: Sql
  /** A client that knows the benchmark's task; the caller closes it. */
  tasking(options?: { readonly listen?: boolean }): Tasking<CallerTransaction>
  /** Fresh statistics, no dead rows, nothing left to write: as if what fills it came long ago. */
  settle(): Promise<void>
  measure(processes: readonly Metered[], work: () => Promise<Work>): Promise<Sample>
}

/** @param install makes the tables; those of our own unless told otherwise */
export async function benchDatabase(
  { server }: Stage,
  install: (url: string) => Promise<unknown> = (url) => migrate({ url }),
): Promise<BenchDatabase> {
  const url = await server.createDatabase()
  await install(url)
  const sql = postgres(url, { max: 1, fetch_types: false, onnotice: () => undefined })
  return {
    url,
    sql,
    tasking({ listen = true } = {}) {
      const store = pgStore({ url, ...(!listen && { listen: false }) })
      return createTasking({ store, tasks: [benchTask] })
    },
    async settle() {
      await sql`vacuum (freeze, analyze)`
      await sql`checkpoint`
    },
    measure: (processes, work) => sample({ sql, postmaster: server.pid ?? 0, processes }, work),
    async [Symbol.asyncDispose]() {
      await sql.end({ timeout: 5 })
      await server.dropDatabase(new URL(url).pathname.slice(1))
    },
  }
}
