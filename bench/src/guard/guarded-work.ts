import postgres from 'postgres'
import type { Sql } from 'postgres'
import { batchEntry, createTasking, defineTask, systemClock } from '@tasking/core'
import type { ClaimedTask, Clock, Tasking } from '@tasking/core'
import { startPostgres } from '@tasking/local-postgres'
import type { LocalPostgres } from '@tasking/local-postgres'
import { migrate, pgStore } from '@tasking/store-pg'
import { inBatches, plainTasks } from '../plain-tasks.ts'
import type { PlainTask } from '../systems/system.ts'
import { countsOf } from './counts.ts'
import type { Counts } from './counts.ts'

/** What one task costs, by what was done and with how many resources. */
export type GuardCounts = Readonly<Record<string, Counts>>

const resources = 1_000
const kinds = ['no resources', '2 resources', '2 counted'] as const
const warmUp = 40
const singles = 100
const batchSize = 500
const batches = 2
const perTurn = 50
const usualRepeats = 3

/** The same release on every machine: another one has other counts. Nothing else goes on in it. */
export function startGuardServer(): Promise<LocalPostgres> {
  return startPostgres({
    durable: false,
    settings: {
      ...{ autovacuum: false, checkpoint_timeout: '1d', max_wal_size: '10GB', jit: false },
      // Else a notice of the running transactions is logged now and then, for nobody.
      ...{ wal_level: 'minimal', max_wal_senders: 0 },
      ...{ shared_preload_libraries: 'pg_stat_statements', 'pg_stat_statements.track': 'all' },
    },
  })
}

interface GuardOptions {
  /** SQL that is run first, to make it worse. */
  readonly spoil?: string
  readonly repeats?: number
}

/** Does a small fixed workload, several times, and takes the least of each count. */
export async function guardCounts(
  server: LocalPostgres,
  { spoil, repeats = usualRepeats }: GuardOptions = {},
): Promise<GuardCounts> {
  const template = new URL(await server.createDatabase()).pathname.slice(1)
  const url = new URL(server.url)
  url.pathname = `/${template}`
  await migrate({ url: url.href })
  await withSession(url.href, async (sql) => {
    await sql`create extension pg_stat_statements`
    if (spoil !== undefined) await sql.unsafe(spoil)
  })
  const all: GuardCounts[] = []
  for (let n = 0; n < repeats; n += 1) {
    const parts: GuardCounts[] = []
    for (const kind of kinds) {
      const copy = await server.createDatabase(undefined, { template })
      parts.push(await withSession(copy, (session) => countAll(copy, session, kind)))
    }
    all.push(Object.assign({}, ...parts) as GuardCounts)
  }
  return least(all)
}

// One connection for all, so that nothing depends on who comes first.
async function countAll(
  url: string,
  session: Sql,
  kind: (typeof kinds)[number],
): Promise<GuardCounts> {
  return withSession(url, async (admin) => {
    await using tasking = createTasking({ store: pgStore({ client: session, clock }) })
    const definition = kind === '2 counted' ? counted : exclusive
    const each = kind === 'no resources' ? 0 : 2
    const tasks = plainTasks(warmUp + singles + batches * batchSize, { each, of: resources })
    const worker = new HandWorker(tasking)
    await worker.register()
    for (const task of tasks.slice(0, warmUp)) await dispatchOne(tasking, definition, task)
    await dispatchBatch(tasking, definition, tasks.slice(0, 10))
    await worker.drain()
    const count = async (size: number, work: () => Promise<unknown>) =>
      perTask(await countsOf(admin, session, work), size)
    const single = await count(singles, async () => {
      for (const task of tasks.slice(warmUp, warmUp + singles))
        await dispatchOne(tasking, definition, task)
    })
    const bulk = await count(batches * batchSize, async () => {
      for (const batch of inBatches(tasks.slice(warmUp + singles), batchSize)) {
        await dispatchBatch(tasking, definition, batch)
      }
    })
    const drain = await count(tasks.length - warmUp, () => worker.drain())
    return {
      [`dispatch, ${kind}`]: single,
      [`bulk dispatch, ${kind}`]: bulk,
      [`drain, ${kind}`]: drain,
    }
  })
}

const exclusive = defineTask({
  name: 'bench.exclusive',
  resources: (input: PlainTask) => ({ exclusive: input.resources }),
  run: () => null,
})
const counted = defineTask({
  name: 'bench.counted',
  resources: (input: PlainTask) => ({
    counted: input.resources.map((resource) => ({ resource, capacity: 2 })),
  }),
  run: () => null,
})
type Definition = typeof exclusive

// Each look at it is an hour later: a slow machine must not make a claim begin elsewhere.
let hours = 0
const clock: Clock = {
  ...systemClock,
  now: () => new Date((hours += 1) * 3_600_000),
}

async function dispatchOne(
  tasking: Tasking,
  definition: Definition,
  one: PlainTask,
): Promise<void> {
  await tasking.dispatch(definition, one)
}

async function dispatchBatch(
  tasking: Tasking,
  definition: Definition,
  many: readonly PlainTask[],
): Promise<void> {
  await tasking.dispatchBatch(many.map((one) => batchEntry(definition, one)))
}

/** Takes turns one after the other, with a fixed number of slots, and waits for nothing. */
class HandWorker {
  readonly #store: Tasking['store']
  readonly #id: string

  constructor({ store }: Tasking) {
    this.#store = store
    this.#id = store.newId()
  }

  async register(): Promise<void> {
    await this.#store.registerWorker({
      ...{ id: this.#id, name: 'guard', version: '', ttlMs: 86_400_000, concurrency: perTurn },
      ...{ queues: ['default'], taskNames: [exclusive.name, counted.name] },
    })
  }

  /** Works off all that is there. */
  async drain(): Promise<void> {
    let claimed: readonly ClaimedTask[] = []
    do {
      const completions = claimed.map(({ id, fencingToken }) => ({
        ...{ id, fencingToken, state: 'completed' as const, result: null },
      }))
      const ask = { workerId: this.#id, slots: perTurn, completions, looks: [] }
      claimed = (await this.#store.turn(ask)).claimed
    } while (claimed.length > 0)
  }
}

async function withSession<T>(url: string, run: (sql: Sql) => Promise<T>): Promise<T> {
  const sql = postgres(url, { max: 1, fetch_types: false, onnotice: () => undefined })
  try {
    return await run(sql)
  } finally {
    await sql.end({ timeout: 5 })
  }
}

function perTask(counts: Counts, tasks: number): Counts {
  const entries = Object.entries(counts).map(([name, value]: [string, number]) => {
    return [name, Math.round((value / tasks) * 1_000) / 1_000]
  })
  return Object.fromEntries(entries) as Record<keyof Counts, number>
}

// What a slow moment adds, such as a claim that looks twice, is in no repetition but that one.
function least([first, ...others]: readonly GuardCounts[]): GuardCounts {
  const entries = Object.entries(first ?? {}).map(([name, counts]) => {
    const figures = Object.entries(counts).map(([figure, value]: [string, number]) => {
      const rest = others.map((one) => one[name]?.[figure as keyof Counts] ?? value)
      return [figure, Math.min(value, ...rest)]
    })
    return [name, Object.fromEntries(figures) as Record<keyof Counts, number>]
  })
  return Object.fromEntries(entries) as GuardCounts
}
