import { setTimeout as sleep } from 'node:timers/promises'
import type { BenchDatabase } from '../bench-database.ts'
import { probeClaim } from '../measure/claim-probe.ts'
import { serverSeconds } from '../measure/processor-time.ts'
import type { Series } from '../measure/sample.ts'
import type { WorkerFleet } from '../processes/worker-fleet.ts'
import type { Stage } from '../scenario.ts'

const windows = 24

const names = {
  rate: 'tasks finished per second',
  turn: 'ms per turn',
  cpu: 'PostgreSQL CPU, s per 1,000 tasks',
  buffers: 'pages read by a claim',
}

/** Follows a load over time: how fast it goes, and what a turn costs. */
export class Course implements AsyncDisposable {
  readonly #stage: Stage
  readonly #database: BenchDatabase
  readonly #fleet: WorkerFleet
  readonly #windowMs: number
  readonly #points: Record<keyof typeof names, [number, number][]>
  readonly #ended = new AbortController()
  #running: Promise<void> = Promise.resolve()

  private constructor(stage: Stage, database: BenchDatabase, fleet: WorkerFleet, seconds: number) {
    this.#stage = stage
    this.#database = database
    this.#fleet = fleet
    this.#windowMs = (seconds * 1_000) / windows
    this.#points = { rate: [], turn: [], cpu: [], buffers: [] }
  }

  static start(stage: Stage, database: BenchDatabase, fleet: WorkerFleet, seconds: number): Course {
    const course = new Course(stage, database, fleet, seconds)
    course.#running = course.#run()
    // Its error is for whoever ends it.
    course.#running.catch(() => undefined)
    return course
  }

  /** @returns the course, and its last values */
  async end(): Promise<{ series: Series[]; last: Record<string, number> }> {
    this.#ended.abort()
    await this.#running
    const series = Object.entries(names).map(([key, name]) => ({
      name,
      points: this.#points[key as keyof typeof names],
    }))
    const last = series.map(({ name, points }) => [`${name}, at last`, points.at(-1)?.[1] ?? 0])
    return { series, last: Object.fromEntries(last) as Record<string, number> }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort()
    await this.#running.catch(() => undefined)
  }

  async #run(): Promise<void> {
    const startedAt = performance.now()
    await this.#fleet.turns()
    let before = this.#read()
    for (let n = 1; !this.#ended.signal.aborted; n += 1) {
      const dueMs = startedAt + n * this.#windowMs - performance.now()
      await sleep(Math.max(0, dueMs), undefined, { signal: this.#ended.signal }).catch(() => null)
      if (this.#ended.signal.aborted) return
      const now = this.#read()
      const { turns, ms } = await this.#fleet.turns()
      const { buffers } = await probeClaim(this.#database.sql)
      const tasks = now.finished - before.finished
      const seconds = (now.atMs - before.atMs) / 1_000
      const cpu = now.cpu - before.cpu
      before = now
      const at = (now.atMs - startedAt) / 1_000
      this.#points.rate.push([at, tasks / seconds])
      if (turns > 0) this.#points.turn.push([at, ms / turns])
      if (tasks > 0) this.#points.cpu.push([at, (cpu / tasks) * 1_000])
      this.#points.buffers.push([at, buffers])
      this.#stage.note(
        `${at.toFixed(0)} s: ${(tasks / seconds).toFixed(0)} tasks/s, ${(ms / turns).toFixed(1)} ms per turn, a claim reads ${buffers} pages`,
      )
    }
  }

  #read() {
    return {
      atMs: performance.now(),
      finished: this.#fleet.finished,
      cpu: serverSeconds(this.#stage.server.pid ?? 0) ?? 0,
    }
  }
}
