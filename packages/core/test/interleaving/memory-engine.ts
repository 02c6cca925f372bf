import {
  isFinal,
  MemoryStore,
  reservationsOf,
  ResourcesBusyError,
  TaskCanceledError,
  TaskLostError,
  TaskStateError,
  WorkerMissingError,
} from '../../src/index.ts'
import type { WorkerId } from '../../src/index.ts'
import { HandClock } from '../../src/testing/index.ts'
import { Refused } from './engine.ts'
import type { Engine, Observation, Rest, Session } from './engine.ts'
import { taskNames } from './tasks.ts'

const ttlMs = 60_000
const nothing = { looks: [] }

/** The in-memory store: every verb is atomic, and there are no transactions. */
export class MemoryEngine implements Engine {
  readonly transactional = false
  readonly sessions: readonly Session[]
  #clock = new HandClock()
  #store = new MemoryStore()
  readonly #expired = new Set<WorkerId>()

  constructor(sessions: number) {
    this.sessions = Array.from({ length: sessions }, (_, index) => this.#session(`c${index + 1}`))
  }

  async start(workers: readonly WorkerId[]): Promise<void> {
    this.#clock = new HandClock()
    this.#store = new MemoryStore({ clock: this.#clock })
    for (const id of workers) {
      await this.#store.registerWorker({
        ...{ id, name: id, ttlMs, concurrency: 9, version: '' },
        ...{ queues: ['default'], taskNames },
      })
    }
  }

  /** Everybody else goes on to renew its heartbeat. */
  async expire(id: WorkerId): Promise<void> {
    this.#clock.move(ttlMs + 1)
    const others = (await this.#store.workers()).filter(
      (worker) => worker.id !== id && worker.lastHeartbeatAt.getTime() > 0,
    )
    for (const worker of others)
      if (!this.#expired.has(worker.id)) await this.#store.beat(worker.id)
    this.#expired.add(id)
  }

  async rest(): Promise<Rest> {
    return { waits: new Map(), cycle: new Set() }
  }

  async observe(): Promise<Observation> {
    const tasks = await this.#store.list({ limit: Infinity })
    return {
      // There is nothing in memory beside the tasks.
      lines: tasks
        .filter(({ state }) => !isFinal(state))
        .flatMap(({ id, resources }) => reservationsOf(resources).map((one) => ({ ...one, id }))),
      tasks: tasks.map(({ id, state, unblockedAt, workerId, fencingToken, dedupeKey }, index) => ({
        ...{ id, state, workerId, dedupeKey, token: fencingToken, unblocked: unblockedAt !== null },
        // Newest first.
        position: BigInt(tasks.length - index),
      })),
    }
  }

  async clear(): Promise<void> {
    this.#expired.clear()
  }

  #session(name: string): Session {
    const never = async () => {
      throw new Error('There are no transactions in memory.')
    }
    return {
      name,
      dispatch: (tasks) =>
        this.#verb(async (store) => ({ dispatched: await store.dispatch(tasks), ...nothing })),
      turn: (turn) => this.#verb((store) => store.turn(turn)),
      cancel: (id) =>
        this.#verb(async (store) => {
          const [before] = await store.find([id])
          if (before === undefined) return { found: null, ...nothing }
          await store.cancel(id).catch((error: unknown) => {
            if (!(error instanceof TaskStateError)) throw error
          })
          return { found: before.state, ...nothing }
        }),
      complete: (completion) =>
        this.#verb(async (store) => {
          try {
            await store.complete(completion)
            return null
          } catch (error) {
            if (error instanceof TaskLostError) return 'lost'
            if (error instanceof TaskCanceledError) return 'canceling'
            throw error
          }
        }),
      look: () => this.#verb(async () => nothing),
      unregister: (id) =>
        this.#verb(async (store) => {
          const worker = (await store.workers()).find((one) => one.id === id)
          await store.unregisterWorker(id)
          return { lost: worker?.runningTasks ?? 0, ...nothing }
        }),
      housekeep: (sweep) =>
        this.#verb(async (store) => {
          const { done, missingWorkers, lostTasks } = await store.housekeep({ sweep })
          return { done, missing: missingWorkers, lost: lostTasks, ...nothing }
        }),
      begin: () => void never(),
      ...{ commit: never, rollback: never, interrupt: never },
    }
  }

  async #verb<T>(run: (store: MemoryStore) => Promise<T>): Promise<T> {
    try {
      return await run(this.#store)
    } catch (error) {
      if (error instanceof ResourcesBusyError) {
        throw new Refused('resources_busy', `${error.resource} ${error.index}`)
      }
      if (error instanceof WorkerMissingError) throw new Refused('worker_missing')
      throw error
    }
  }
}
