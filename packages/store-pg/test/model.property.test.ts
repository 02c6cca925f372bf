import { MemoryStore, systemClock } from '@tasking/core'
import type { ClaimedTask, Completion, NewTask, Store, TaskId } from '@tasking/core'
import { useDatabase } from '@tasking/testbed'
import fc from 'fast-check'
import postgres from 'postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runs } from '../../core/test/arbitraries.ts'
import { batchArbitrary, taskNames, tasksOf } from '../../core/test/interleaving/tasks.ts'
import { pgStore } from '../src/index.ts'

const database = useDatabase()
let sql: postgres.Sql

beforeAll(() => {
  sql = postgres(database.directUrl, { max: 1, onnotice: () => undefined })
})
afterAll(() => sql.end({ timeout: 1 }))

/** The same commands on two stores; whatever one of them answers, the other must. */
interface Pair {
  readonly model: Side
  readonly real: Side
  readonly ids: TaskId[]
}

interface Side {
  readonly store: Store
  readonly workerId: string
  readonly running: Map<TaskId, ClaimedTask>
}

type Step = (side: Side, pair: Pair) => Promise<unknown>

const batchStep = batchArbitrary.map((drafts) => {
  let tasks: NewTask[] | undefined
  const step: Step = async ({ store }, { ids }) => {
    // Made once, so that both stores get the same ids.
    if (tasks === undefined) {
      tasks = tasksOf(drafts)
      ids.push(...tasks.map(({ id }) => id))
    }
    return store.dispatch(tasks).catch(String)
  }
  return { name: `dispatch ${JSON.stringify(drafts)}`, step }
})

const claimStep = fc.nat({ max: 4 }).map((slots) => ({
  name: `claim ${slots}`,
  step: (async (side) => turn(side, slots, [])) satisfies Step,
}))

const finishStep = fc
  .tuple(fc.array(fc.nat(), { minLength: 1, maxLength: 3 }), fc.nat({ max: 2 }))
  .map(([picks, slots]) => ({
    name: `finish ${picks.join()} and claim ${slots}`,
    step: (async (side) => {
      const running = [...side.running.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1))
      const chosen = new Set(picks.flatMap((pick) => running[pick % running.length] ?? []))
      return turn(side, slots, [...chosen])
    }) satisfies Step,
  }))

const cancelStep = fc.nat().map((pick) => ({
  name: `cancel ${pick}`,
  step: (async ({ store }, { ids }) => {
    const id = ids[pick % ids.length]
    if (id === undefined) return undefined
    return store.cancel(id, 'property').then(
      ({ state }) => state,
      (error: unknown) => String(error),
    )
  }) satisfies Step,
}))

const retryStep = fc
  .tuple(fc.array(fc.nat(), { minLength: 1, maxLength: 2 }), fc.boolean(), fc.nat({ max: 2 }))
  .map(([picks, keepPlace, slots]) => ({
    name: `retry ${picks.join()}${keepPlace ? ' in place' : ''} and claim ${slots}`,
    step: (async (side) => {
      const running = [...side.running.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1))
      const chosen = new Set(picks.flatMap((pick) => running[pick % running.length] ?? []))
      return turn(side, slots, [...chosen], { keepPlace })
    }) satisfies Step,
  }))

// Whatever is put off is due at once: in which order those are that are due, both must agree.
const promoteStep = fc.constant({
  name: 'promote',
  step: (async ({ store }) => store.promote()) satisfies Step,
})

const steps = fc.array(
  fc.oneof(batchStep, claimStep, finishStep, cancelStep, retryStep, promoteStep),
  { minLength: 5, maxLength: 25 },
)

/** A clock on which each step takes a millisecond, and what happens within one no time at all. */
class StepClock {
  #ms = 0
  readonly sleep = systemClock.sleep
  readonly random = systemClock.random
  readonly now = () => new Date(this.#ms)
  readonly tick = () => void (this.#ms += 1)
}

test('PostgreSQL answers every sequence of verbs as the model does', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (sequence) => {
      await sql`truncate tasking.task, tasking.reservation, tasking.app_status`
      await using store = pgStore({ url: database.url, listen: false, poolSize: 1 })
      const clock = new StepClock()
      const pair: Pair = {
        model: await side(new MemoryStore({ clock })),
        real: await side(store),
        ids: [],
      }
      for (const { name, step } of sequence) {
        clock.tick()
        const wanted = await step(pair.model, pair)
        expect(await step(pair.real, pair), name).toEqual(wanted)
        expect(await states(pair.real.store, pair.ids), `after ${name}`).toEqual(
          await states(pair.model.store, pair.ids),
        )
      }
    }),
    { numRuns: runs(30) },
  )
}, 300_000)

async function side(store: Store): Promise<Side> {
  const workerId = crypto.randomUUID()
  await store.registerWorker({
    ...{ id: workerId, name: 'w', ttlMs: 60_000, concurrency: 9, version: '' },
    ...{ queues: ['default'], taskNames },
  })
  return { store, workerId, running: new Map() }
}

async function turn(
  { store, workerId, running }: Side,
  slots: number,
  ended: ClaimedTask[],
  retry?: { readonly keepPlace: boolean },
) {
  const error = { name: 'Error', message: 'not yet' }
  const completions = ended.map(({ id, fencingToken }): Completion => ({
    ...{ id, fencingToken },
    ...(retry === undefined
      ? { state: 'completed', result: null }
      : { state: 'retry', error, delayMs: 0, ...retry }),
  }))
  const result = await store.turn({ workerId, slots, completions, looks: [] })
  for (const { id } of ended) running.delete(id)
  for (const task of result.claimed) running.set(task.id, task)
  const canceling = result.canceling.toSorted((a, b) => (a.id < b.id ? -1 : 1))
  const claimed = result.claimed.map(({ fencingToken: _own, ...task }) => task)
  return { claimed, refused: result.refused, canceling, unblocked: result.unblocked }
}

async function states(store: Store, ids: readonly TaskId[]) {
  const tasks = await store.find(ids)
  return tasks
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
    .map(({ id, state, unblockedAt, dedupeKey, cancelReason, error, attempt }) => ({
      ...{ id, state, dedupeKey, cancelReason, error, attempt },
      blocked: unblockedAt === null,
    }))
}
