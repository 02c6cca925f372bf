import { conflictsBetween, reservationsOf, ResourcesBusyError, systemClock } from '@tasking/core'
import type {
  ClaimedTask,
  Completion,
  DispatchedTask,
  Look,
  NewTask,
  Resources,
  TaskId,
} from '@tasking/core'
import { useDatabase } from '@tasking/testbed'
import fc from 'fast-check'
import postgres from 'postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runs } from '../../core/test/arbitraries.ts'
import { batchArbitrary, taskNames, tasksOf } from '../../core/test/interleaving/tasks.ts'
import type { Draft } from '../../core/test/interleaving/tasks.ts'
import { codeOf } from '../src/errors.ts'
import { pgStore } from '../src/index.ts'
import type { PgStore } from '../src/index.ts'

const database = useDatabase()
let sql: postgres.Sql

beforeAll(() => {
  sql = postgres(database.url, { max: 8, prepare: false, onnotice: () => undefined })
})
afterAll(() => sql.end({ timeout: 1 }))

/** A dispatcher's next batch, and for how many round trips its transaction stays open after it. */
interface Batch {
  readonly drafts: readonly Draft[]
  /** In how many milliseconds it is due; 0 for at once. */
  readonly delayMs: number
  readonly heldFor: number
}

const batches: fc.Arbitrary<Batch[]> = fc.array(
  fc.record({
    drafts: batchArbitrary,
    delayMs: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 5 })),
    heldFor: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 6 })),
  }),
  { minLength: 1, maxLength: 6 },
)

const scenario = fc.record({
  dispatchers: fc.array(batches, { minLength: 2, maxLength: 4 }),
  workers: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 2, maxLength: 4 }),
  // Every so many-th task is canceled right after its dispatch; 0 for none.
  cancelEvery: fc.constantFrom(0, 3, 7),
  // Every so many-th end is a failure after which the task is tried again; 0 for none.
  retryEvery: fc.constantFrom(0, 2, 5),
})

/** What happened to a task, in the order in which this process saw it. */
interface History {
  readonly resources: Resources
  dispatchBegan: number
  dispatchReturned: number
  claimed?: number
  ended?: number
}

test('dispatchers and finishers at once: no overlap, no overtaking, nothing stuck', async () => {
  await fc.assert(
    fc.asyncProperty(scenario, async ({ dispatchers, workers, cancelEvery, retryEvery }) => {
      await sql`truncate tasking.task, tasking.reservation, tasking.app_status`
      await using store = pgStore({ url: database.url, listen: false, poolSize: 12 })
      const world = new World(store)
      await Promise.all([
        Promise.all(dispatchers.map((list) => world.dispatch(list, cancelEvery))).then(
          () => (world.dispatching = false),
        ),
        ...workers.map((slots) => world.work(slots, retryEvery)),
        world.promote(),
      ])
      world.checkOrder()
      const [left] = await sql`select
        (select count(*) from tasking.reservation)::int as reservations,
        (select count(*) from tasking.task where finished_at is null)::int as tasks`
      expect(left).toEqual({ reservations: 0, tasks: 0 })
    }),
    { numRuns: runs(20) },
  )
}, 300_000)

function later({ ifBlocked, ...task }: NewTask, delayMs: number): NewTask {
  if (delayMs > 0) return { ...task, delayMs }
  return { ...task, ...(ifBlocked !== undefined && { ifBlocked }) }
}

class World {
  readonly #store: PgStore
  readonly #histories = new Map<TaskId, History>()
  readonly #held = new Map<TaskId, Resources>()
  readonly #canceled = new Set<TaskId>()
  /** How many lines each worker has to look at again. */
  readonly #owing = new Map<string, number>()
  /** Turns under way that may unblock something. */
  #busyTurns = 0
  #moment = 0
  /** How often something was put off, and of which of them no one is left to come due. */
  #putOffs = 0
  #nothingDueAfter = 0
  dispatching = true

  constructor(store: PgStore) {
    this.#store = store
  }

  async dispatch(list: readonly Batch[], cancelEvery: number): Promise<void> {
    for (const { drafts, heldFor, delayMs } of list) {
      const tasks = tasksOf(drafts).map((task) => later(task, delayMs))
      // When one that is due later comes into its lines, nobody can tell from outside.
      const dispatchBegan = delayMs > 0 ? 0 : ++this.#moment
      const began = { dispatchBegan, dispatchReturned: Infinity }
      for (const { id, resources } of tasks) this.#histories.set(id, { resources, ...began })
      const dispatched = await this.#dispatch(tasks, heldFor).catch((error: unknown) => {
        if (error instanceof ResourcesBusyError) return []
        throw error
      })
      await this.#takeIn(tasks, dispatched)
      for (const { id } of dispatched) {
        if (cancelEvery > 0 && this.#moment % cancelEvery === 0) await this.#cancel(id)
      }
    }
  }

  /** Claims and finishes until everything that was dispatched is in a final state. */
  async work(slots: number, retryEvery: number): Promise<void> {
    const workerId = this.#store.newId()
    await this.#store.registerWorker({
      ...{ id: workerId, name: 'w', ttlMs: 60_000, concurrency: slots, version: '' },
      ...{ queues: ['default'], taskNames },
    })
    let looks: readonly Look[] = []
    let running: ClaimedTask[] = []
    // Whose rows somebody else held: they have ended, but the store doesn't know it yet.
    let unsettled: Completion[] = []
    let idleTurns = 0
    // Stuck is: nobody does or owes anything, and still nothing can be claimed.
    while (this.dispatching || this.#open() > 0 || unsettled.length > 0) {
      const ending = running.slice(0, Math.ceil(running.length / 2))
      running = running.slice(ending.length)
      const isRetry = ({ attempt }: ClaimedTask) =>
        retryEvery > 0 && attempt < 3 && this.#moment % retryEvery === 0
      const ended = ending.map((task): Completion => {
        const { id, fencingToken } = task
        if (!isRetry(task)) {
          this.#end(id)
          return { id, fencingToken, state: 'completed', result: null }
        }
        const keepPlace = this.#putOff(id)
        const error = { name: 'Error', message: 'not yet' }
        return { id, fencingToken, state: 'retry', error, delayMs: 1, keepPlace }
      })
      const completions = [...unsettled, ...ended]
      const free = slots - running.length
      const busy = completions.length + looks.length > 0
      if (busy) this.#busyTurns += 1
      const result = await this.#store.turn({ workerId, slots: free, completions, looks })
      if (busy) this.#busyTurns -= 1
      expect(result.refused).toEqual([])
      looks = result.looks
      unsettled = completions.filter(({ id }) => result.unsettled.includes(id))
      this.#owing.set(workerId, looks.length + unsettled.length)
      await this.#noteCanceled(completions.filter(({ state }) => state === 'retry'))
      for (const { id } of result.claimed) this.#claim(id)
      running.push(...result.claimed)
      const quiet = this.#isQuiet()
      idleTurns = quiet && result.claimed.length === 0 ? idleTurns + 1 : 0
      if (idleTurns > 20) throw new Error(`${this.#open()} tasks are stuck`)
    }
  }

  /** Puts in line whatever is due, until everything is in a final state. */
  async promote(): Promise<void> {
    while (this.dispatching || this.#open() > 0) {
      const before = this.#putOffs
      const { nextDueMs } = await this.#store.promote()
      this.#nothingDueAfter = nextDueMs === null ? before : -1
      await systemClock.sleep(1)
    }
  }

  /** Whoever was in line first, as far as anybody can tell from outside, ended first. */
  checkOrder(): void {
    for (const [first, a] of this.#histories) {
      for (const [second, b] of this.#histories) {
        if (a.dispatchReturned >= b.dispatchBegan || b.claimed === undefined) continue
        if (this.#canceled.has(first) || conflictsBetween(a.resources, b.resources).length === 0) {
          continue
        }
        if (a.ended === undefined || a.ended > b.claimed) {
          throw new Error(`${second} overtook ${first}`)
        }
      }
    }
  }

  async #dispatch(tasks: readonly NewTask[], heldFor: number): Promise<DispatchedTask[]> {
    if (heldFor === 0) return this.#store.dispatch(tasks)
    for (;;) {
      try {
        return await sql.begin(async (tx) => {
          const dispatched = await this.#store.dispatch(tasks, { tx })
          for (let n = 0; n < heldFor; n += 1) await tx`select 1`
          return dispatched
        })
      } catch (error) {
        // Several that replace something may form a lock cycle, and such a transaction is ours to repeat.
        if (codeOf(error) !== '40P01') throw error
      }
    }
  }

  /** Forgets what was not to be, and learns what has made way. */
  async #takeIn(tasks: readonly NewTask[], dispatched: readonly DispatchedTask[]): Promise<void> {
    const returned = ++this.#moment
    const waiting = new Set(dispatched.flatMap(({ id, state }) => (state === 'skipped' ? [] : id)))
    const scheduled = dispatched.some(({ state }) => state === 'scheduled')
    if (scheduled) this.#putOffs += 1
    for (const { id } of tasks) {
      if (waiting.has(id)) {
        const history = this.#history(id)
        history.dispatchReturned = history.dispatchBegan === 0 ? Infinity : returned
      } else this.#histories.delete(id)
    }
    if (tasks.some(({ ifTwin }) => ifTwin === 'replace')) {
      const open = [...this.#histories].filter(([, { claimed }]) => claimed === undefined)
      const found = await this.#store.find(open.map(([id]) => id))
      for (const { id, state } of found) if (state === 'canceled') this.#canceled.add(id)
    }
  }

  #history(id: TaskId): History {
    const history = this.#histories.get(id)
    if (history === undefined) throw new Error(`no task ${id}`)
    return history
  }

  /** Whether nobody dispatches, holds a task, tells of an end, or has a line to look at. */
  #isQuiet(): boolean {
    const owed = [...this.#owing.values()].reduce((sum, looks) => sum + looks, 0)
    const isDue = this.#nothingDueAfter !== this.#putOffs
    const isBusy = this.dispatching || this.#held.size > 0 || this.#busyTurns > 0
    return !isBusy && !isDue && owed === 0
  }

  #open(): number {
    const over = [...this.#histories].filter(([id, h]) => h.ended || this.#canceled.has(id))
    return this.#histories.size - over.length
  }

  #claim(id: TaskId): void {
    const { resources } = this.#history(id)
    for (const [other, held] of this.#held) {
      const both = conflictsBetween(resources, held)
      if (both.length > 0) throw new Error(`${id} runs beside ${other} on ${both.join()}`)
    }
    this.#held.set(id, resources)
    for (const { resource, capacity } of reservationsOf(resources)) {
      const units = this.#unitsInUse(resource)
      if (units > capacity) throw new Error(`${units} of ${capacity} ${resource} are in use`)
    }
    this.#history(id).claimed = ++this.#moment
  }

  #unitsInUse(name: string): number {
    return [...this.#held.values()]
      .flatMap(reservationsOf)
      .filter(({ resource }) => resource === name)
      .reduce((sum, { amount }) => sum + amount, 0)
  }

  // Before the completion is sent: afterwards the next one may rightly begin.
  #end(id: TaskId): void {
    this.#held.delete(id)
    this.#history(id).ended = ++this.#moment
  }

  /** @returns whether it keeps its place */
  #putOff(id: TaskId): boolean {
    this.#putOffs += 1
    const history = this.#history(id)
    // As long as it is in line, whoever comes later waits; out of line, nobody can tell.
    const keepPlace = this.#putOffs % 2 === 0
    if (!keepPlace) Object.assign(history, { dispatchBegan: 0, dispatchReturned: Infinity })
    delete history.claimed
    this.#held.delete(id)
    return keepPlace
  }

  /** One that was asked to stop is not tried again. */
  async #noteCanceled(retried: readonly Completion[]): Promise<void> {
    if (retried.length === 0) return
    for (const { id, state } of await this.#store.find(retried.map((one) => one.id))) {
      if (state === 'canceled') this.#canceled.add(id)
    }
  }

  async #cancel(id: TaskId): Promise<void> {
    const canceled = await this.#store.cancel(id).catch(() => undefined)
    if (canceled?.state === 'canceled') this.#canceled.add(id)
  }
}
