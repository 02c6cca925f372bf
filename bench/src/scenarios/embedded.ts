import postgres from 'postgres'
import type { Sql, TransactionSql } from 'postgres'
import type { Tasking } from '@tasking/core'
import type { CallerTransaction } from '@tasking/store-pg'
import { benchDatabase } from '../bench-database.ts'
import { benchTask } from '../bench-task.ts'
import { resourcesOf } from '../resource-pattern.ts'
import type { Scenario, SideDefinition } from '../scenario.ts'
import { freshSide } from './fresh-side.ts'

const none = 'the transaction alone'
const after = 'a dispatch after it'
const within = 'a dispatch within it'
const pattern = { kind: 'two', of: 10_000 } as const
const warmUp = 30

type Operation = (own: Sql, tasking: Tasking<CallerTransaction>) => Promise<unknown>

/** No goal: what a dispatch adds to a transaction is for the reader to see. */
export const embedded: Scenario = {
  name: 'embedded',
  description: `a transaction of the user's own that inserts a row, and a task with 2 resources`,
  sides: [
    side(none, (own) => own.begin(insert)),
    side(after, async (own, tasking) => {
      await own.begin(insert)
      await tasking.dispatch(benchTask, resourcesOf(pattern))
    }),
    side(within, (own, tasking) =>
      own.begin(async (tx) => {
        await insert(tx)
        await tasking.dispatch(benchTask, resourcesOf(pattern), { tx })
      }),
    ),
  ],
  goals: [],
  plotted: [
    { what: 'ms, p50', figure: ({ p50Ms }) => p50Ms },
    { what: 'commits', figure: ({ commitsPerTask }) => commitsPerTask },
  ],
}

function insert(tx: TransactionSql) {
  return tx`insert into orders (item) values ('one')`
}

function side(name: string, operation: Operation): SideDefinition {
  return freshSide(name, async (stage) => {
    await using database = await benchDatabase(stage)
    await database.sql`create table orders (id bigserial primary key, item text not null)`
    await using tasking = database.tasking({ listen: false })
    const own = postgres(database.url, { max: 1, fetch_types: false })
    await using _closed = { [Symbol.asyncDispose]: () => own.end({ timeout: 5 }) }
    const latenciesMs: number[] = []
    const one = async () => {
      const startedAt = performance.now()
      await operation(own, tasking)
      latenciesMs.push(performance.now() - startedAt)
    }
    for (let n = 0; n < warmUp; n += 1) await one()
    latenciesMs.length = 0
    await database.settle()
    const tasks = stage.scaled(2_000, 50)
    return await database.measure([], async () => {
      for (let n = 0; n < tasks; n += 1) await one()
      return { tasks, latenciesMs }
    })
  })
}
