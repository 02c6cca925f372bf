import { setTimeout as sleep } from 'node:timers/promises'
import type { Sql } from 'postgres'
import type { WorkerCrew } from './worker-crew.ts'

const sessionEveryMs = 700

/** What goes wrong meanwhile: workers are killed, or retire, and sessions of the server end. */
export class Chaos implements AsyncDisposable {
  readonly #sql: Sql
  readonly #crew: WorkerCrew
  readonly #random: () => number
  readonly #ended = new AbortController()
  readonly #running: Promise<unknown>
  #killed = 0
  #retired = 0
  #sessions = 0

  /** @param workerEveryMs how often it happens to one of the workers, on average */
  constructor(sql: Sql, crew: WorkerCrew, workerEveryMs: number, random = Math.random) {
    this.#sql = sql
    this.#crew = crew
    this.#random = random
    this.#running = Promise.all([
      this.#repeat(workerEveryMs, () => this.#worker()),
      this.#repeat(sessionEveryMs, () => this.#session()),
    ])
    // Its error is for whoever ends it.
    this.#running.catch(() => undefined)
  }

  get counts() {
    return { killed: this.#killed, retired: this.#retired, sessions: this.#sessions }
  }

  async stop(): Promise<void> {
    this.#ended.abort()
    await this.#running
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop().catch(() => undefined)
  }

  async #repeat(everyMs: number, harm: () => Promise<void>): Promise<void> {
    const { signal } = this.#ended
    while (!signal.aborted) {
      await sleep(everyMs * (0.5 + this.#random()), undefined, { signal }).catch(() => undefined)
      if (!signal.aborted) await harm()
    }
  }

  async #worker(): Promise<void> {
    if (this.#random() < 0.75) {
      this.#killed += 1
      this.#crew.kill(this.#random())
    } else {
      this.#retired += 1
      await this.#crew.retire(this.#random())
    }
  }

  async #session(): Promise<void> {
    const ended = await this.#sql`
      select pg_terminate_backend(pid) from (
        select pid from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid()
           and backend_type = 'client backend'
         order by random() limit 1
      ) as victim`
    this.#sessions += ended.length
  }
}
