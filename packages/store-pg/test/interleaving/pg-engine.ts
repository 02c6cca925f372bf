import type { ReservationMode, TaskId, TaskState, WorkerId } from '@tasking/core'
import postgres from 'postgres'
import type { Engine, Observation, Rest } from '../../../core/test/interleaving/engine.ts'
import { taskNames } from '../../../core/test/interleaving/tasks.ts'
import { PgSession } from './pg-session.ts'
import { waitsOf } from './waits.ts'

const runsBetweenTruncations = 100

/** PostgreSQL: a connection per client, and one to watch them. */
export class PgEngine implements Engine, AsyncDisposable {
  readonly transactional = true
  readonly sessions: PgSession[] = []
  readonly #sql: postgres.Sql
  readonly #clients: postgres.Sql[] = []
  #ring: () => void = () => undefined
  #bell = this.#newBell()
  #runs = 0

  private constructor(url: string) {
    this.#sql = connect(url)
  }

  static async open(url: string, sessions: number): Promise<PgEngine> {
    const engine = new PgEngine(url)
    for (let number = 1; number <= sessions; number += 1) {
      const sql = connect(url)
      engine.#clients.push(sql)
      // Where it may be set: to find lock cycles at once.
      await sql`set deadlock_timeout = '20ms'`.catch(() => undefined)
      const [row] = await sql<{ pid: number }[]>`select pg_backend_pid() as pid`
      const interrupt = async (pid: number) =>
        void (await engine.#sql`select pg_cancel_backend(${pid})`)
      const ring = () => {
        engine.#ring()
        engine.#bell = engine.#newBell()
      }
      engine.sessions.push(new PgSession(`c${number}`, row?.pid ?? 0, sql, interrupt, ring))
    }
    // The statistics of tables that are emptied now and then are always wrong.
    await engine.#sql`set enable_seqscan = off`
    return engine
  }

  async start(workers: readonly WorkerId[]): Promise<void> {
    this.#runs += 1
    if (this.#runs % runsBetweenTruncations === 0) await this.#truncate()
    await this.#sql`
      with gone as (delete from tasking.app_status)
      insert into tasking.app_status (
        id, name, version, ttl_ms, concurrency, queues, task_names, started_at, last_heartbeat_at
      )
      select id::uuid, id, '', 86400000, 9, '{default}', ${`{${taskNames.join()}}`}::text::text[], now(), now()
        from jsonb_array_elements_text(${JSON.stringify(workers)}::text::jsonb) as id`
  }

  async expire(id: WorkerId): Promise<void> {
    await this.#sql`
      update tasking.app_status set last_heartbeat_at = now() - interval '2 days' where id = ${id}`
  }

  async rest(eager: boolean): Promise<Rest> {
    const cycle = new Set<string>()
    for (let attempt = 0; ; attempt += 1) {
      const busy = this.sessions.filter(({ isBusy }) => isBusy)
      if (busy.length === 0) return { waits: new Map(), cycle }
      await this.#answerOr(eager && attempt < 5 ? 1 : 10)
      const waits = await this.#waits()
      for (const name of waits.cycle) cycle.add(name)
      if (waits.isStable) return { waits: waits.byName, cycle }
      if (attempt > 3_000) throw new Error('Some statement neither ends nor waits for anybody.')
    }
  }

  async observe(ids: readonly TaskId[], resources: readonly string[]): Promise<Observation> {
    const [row] = await this.#sql<{ seen: { tasks: TaskTuple[]; lines: LineTuple[] } }[]>`
      select json_build_object(
        'tasks', (
          select coalesce(json_agg(json_build_array(
                   id, state, unblocked_at is not null, position, worker_id, fencing_token, dedupe_key
                 )), '[]')
            from tasking.task where id = any (${`{${ids.join()}}`}::text::uuid[])
        ),
        'lines', (
          select coalesce(json_agg(json_build_array(resource, task_id, mode, amount)), '[]')
            from tasking.reservation
           where resource = any (${`{${resources.join()}}`}::text::text[])
        )
      ) as seen`
    const { tasks, lines } = row?.seen ?? { tasks: [], lines: [] }
    return {
      tasks: tasks.map(([id, state, unblocked, position, workerId, token, dedupeKey]) => ({
        ...{ id, state, unblocked, workerId, dedupeKey },
        position: BigInt(position),
        token: token === null ? null : BigInt(token),
      })),
      lines: lines.map(([resource, id, mode, amount]) => ({
        ...{ resource, id, mode, amount: amount ?? 0 },
      })),
    }
  }

  async clear(failed: boolean): Promise<void> {
    for (const session of this.sessions) if (session.isBusy) await session.interrupt()
    for (const session of this.sessions) if (session.isOpen) await session.rollback()
    if (failed) await this.#truncate()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#sql, ...this.#clients].map((sql) => sql.end({ timeout: 1 })))
  }

  async #waits() {
    const busy = this.sessions.filter(({ isBusy }) => isBusy)
    const rows = await this.#sql<{ pid: number; blockers: number[] }[]>`
      select pid, to_json(pg_blocking_pids(pid)) as blockers
        from unnest(${`{${busy.map(({ pid }) => pid).join()}}`}::text::int[]) as pid`
    return waitsOf(
      this.sessions.map(({ pid, name }) => ({ pid, name })),
      rows,
    )
  }

  async #answerOr(ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)))
    await Promise.race([this.#bell, late])
    clearTimeout(timer)
  }

  #newBell(): Promise<void> {
    return new Promise((resolve) => (this.#ring = resolve))
  }

  async #truncate(): Promise<void> {
    await this.#sql`truncate tasking.task, tasking.reservation, tasking.app_status`
  }
}

type TaskTuple = [
  ...[id: TaskId, state: TaskState, unblocked: boolean, position: number],
  ...[workerId: WorkerId | null, token: number | null, dedupeKey: string | null],
]
type LineTuple = [resource: string, id: TaskId, mode: ReservationMode, amount: number | null]

function connect(url: string): postgres.Sql {
  return postgres(url, { max: 1, prepare: true, fetch_types: false, onnotice: () => undefined })
}
