import { isFinal, reservationsOf } from '../../src/index.ts'
import type { NewTask, TaskId, WorkerId } from '../../src/index.ts'
import { Books } from './books.ts'
import type { Row } from './books.ts'
import { Client } from './client.ts'
import type { Engine } from './engine.ts'
import { Worker } from './worker.ts'

/** A resource whose line somebody has to look at. */
interface Debt {
  readonly resource: string
}

/** Everything in one run: the store, its model, and those who use it. */
export class World {
  readonly engine: Engine
  readonly clients: readonly Client[]
  readonly workers: readonly Worker[]
  /** Does nothing before the end. */
  readonly closer: Worker
  /** What the names of this run begin with, so that runs don't meet. */
  readonly prefix: string
  books = new Books()
  readonly batches: (readonly NewTask[])[] = []
  /** Looks that died with those who owed them. What remains of them is the sweep's. */
  readonly lost = new Set<Debt>()
  readonly #labels = new Map<string, string>()
  readonly #log: string[] = []
  #tasks = 0

  private constructor(engine: Engine, prefix: string, workers: number) {
    this.engine = engine
    this.prefix = prefix
    this.clients = engine.sessions.map((session) => new Client(session))
    this.closer = new Worker(crypto.randomUUID(), 'the closer')
    this.workers = Array.from(
      { length: workers },
      (_, index) => new Worker(crypto.randomUUID(), `w${index + 1}`),
    )
    this.#labels.set(prefix, '')
    for (const { id, name } of [this.closer, ...this.workers]) {
      this.#labels.set(id, name)
      this.books.register(id)
    }
  }

  static async begin(engine: Engine, prefix: string, workers: number): Promise<World> {
    const world = new World(engine, prefix, workers)
    await engine.start(world.registered)
    return world
  }

  get registered(): WorkerId[] {
    return this.books.view('').workers
  }

  isExpired({ id }: Worker): boolean {
    return this.books.view('').isExpired(id)
  }

  async expire(id: WorkerId): Promise<void> {
    this.note(`${id} has not been heard of for too long`)
    await this.engine.expire(id)
    this.books.register(id, true)
  }

  note(text: string): void {
    this.#log.push(text)
  }

  add(batch: readonly NewTask[]): void {
    this.batches.push(batch)
    for (const { id } of batch) this.#labels.set(id, `t${(this.#tasks += 1)}`)
  }

  /** With short names in place of the real ones. */
  readable(text: string): string {
    return [...this.#labels].reduce((short, [id, label]) => short.replaceAll(id, label), text)
  }

  get story(): string {
    return this.readable(this.#log.map((line, index) => `${index + 1}. ${line}`).join('\n'))
  }

  get tasks(): readonly NewTask[] {
    return this.batches.flat()
  }

  /** Committed, and not finished. */
  get incomplete(): readonly Row[] {
    return this.books.committed.filter(({ state }) => !isFinal(state))
  }

  get resources(): string[] {
    const names = this.tasks.flatMap(({ resources }) => reservationsOf(resources))
    return [...new Set(names.map(({ resource }) => resource))]
  }

  rows(ids: readonly TaskId[]): Row[] {
    return this.books.committed.filter(({ id }) => ids.includes(id))
  }

  rowsWithKeys(keys: readonly string[]): Row[] {
    return this.clients
      .flatMap(({ name }) => this.books.view(name).incomplete)
      .filter(({ dedupeKey }) => dedupeKey !== null && keys.includes(dedupeKey))
  }

  /** What the worker owns, but for what it knows. */
  ownedBy(worker: WorkerId, known: readonly TaskId[] = []): TaskId[] {
    return this.books.committed
      .filter(
        ({ id, workerId, state }) => workerId === worker && !isFinal(state) && !known.includes(id),
      )
      .map(({ id }) => id)
  }

  /** Somebody alive still has to look at these, or the sweep has. */
  get owed(): Set<string> {
    const alive = this.workers.filter((worker) => worker.alive)
    return new Set(
      [
        ...this.lost,
        ...this.clients.flatMap(({ looks }) => looks),
        ...alive.flatMap(({ looks, turning }) => [...looks, ...(turning?.looks ?? [])]),
        ...alive.flatMap((worker) => this.#completedFor(worker)),
      ].map(({ resource }) => resource),
    )
  }

  /** It will send nothing more; what it owed is lost. */
  die(worker: Worker): void {
    if (!worker.alive) return
    this.lose([...worker.looks, ...(worker.turning?.looks ?? []), ...this.#completedFor(worker)])
    worker.alive = false
    worker.turning = undefined
  }

  lose(debts: Iterable<Debt>): void {
    for (const { resource } of debts) this.lost.add({ resource })
  }

  loseTasks(ids: readonly TaskId[]): void {
    this.lose(this.rows(ids).flatMap(({ resources }) => reservationsOf(resources)))
  }

  /** What handlers have completed in transactions of their own is looked at by the worker's turn. */
  #completedFor({ runs, outbox }: Worker): Debt[] {
    const own = [...runs, ...outbox].filter(({ inTransaction }) => inTransaction)
    return this.rows(own.map(({ id }) => id))
      .filter(({ state }) => state === 'completed')
      .flatMap(({ resources }) => reservationsOf(resources))
  }
}
