import { createTasking, MemoryStore } from '@tasking/core'
import type { AnyTaskDefinition, Store, Tasking, TaskingOptions } from '@tasking/core'
import { pgStore } from '@tasking/store-pg'
import { testDatabase } from '@tasking/testbed'
import type { TestDatabase } from '@tasking/testbed'

import { createWorker } from '../src/index.ts'
import type { Worker, WorkerOptions } from '../src/index.ts'
import { EventLog } from './event-log.ts'
import { Gate, Meeting } from './gate.ts'

export type StoreKind = 'postgres' | 'memory'

export interface TaskingChanges extends Pick<TaskingOptions, 'immediate' | 'preferDefer'> {
  /** Whether wake-ups arrive. Default true. */
  readonly listen?: boolean
  /** Puts something between the tasking and its store. */
  readonly wrap?: (store: Store) => Store
}

export interface SceneWorker {
  readonly worker: Worker
  readonly log: EventLog
}

/**
 * What a test needs of the world: a database of its own, taskings and workers on it. Disposing of it
 * opens every gate, stops every worker and drops the database, however the test ended.
 */
export class Scene implements AsyncDisposable {
  readonly #database: TestDatabase | undefined
  readonly #memory = new MemoryStore()
  readonly #gates: (Gate | Meeting)[] = []
  readonly #workers: Worker[] = []
  readonly #taskings: Tasking[] = []
  #open = true

  private constructor(database: TestDatabase | undefined) {
    this.#database = database
  }

  static async open(kind: StoreKind = 'postgres'): Promise<Scene> {
    return new Scene(kind === 'postgres' ? await testDatabase() : undefined)
  }

  /** False from the moment on in which it is disposed of. */
  get isOpen(): boolean {
    return this.#open
  }

  /** Of the database. */
  get url(): string {
    if (this.#database === undefined) throw new Error('This scene is set in memory.')
    return this.#database.url
  }

  gate(): Gate {
    return this.#keep(new Gate())
  }

  meeting(size: number): Meeting {
    return this.#keep(new Meeting(size))
  }

  /** A store of its own, as another process would have it. */
  store(listen = true): Store {
    if (this.#database === undefined) return this.#memory
    const { url } = this.#database
    return pgStore({ url, poolSize: 4, ...(!listen && { listen: false }) })
  }

  tasking(
    tasks: readonly AnyTaskDefinition[],
    { listen = true, wrap = (store) => store, ...rest }: TaskingChanges = {},
  ): Tasking {
    const tasking = createTasking({ store: wrap(this.store(listen)), tasks, ...rest })
    this.#taskings.push(tasking)
    return tasking
  }

  worker(tasking: Tasking, options: Omit<WorkerOptions, 'tasking' | 'onEvent'> = {}): SceneWorker {
    const log = new EventLog()
    const worker = createWorker({ ...options, tasking, onEvent: log.note })
    this.#workers.push(worker)
    return { worker, log }
  }

  async startedWorker(
    tasking: Tasking,
    options: Omit<WorkerOptions, 'tasking' | 'onEvent'> = {},
  ): Promise<SceneWorker> {
    const started = this.worker(tasking, options)
    await started.worker.start()
    return started
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#open = false
    for (const gate of this.#gates) gate.open()
    await Promise.all(this.#workers.map((worker) => worker.stop({ abortAfter: 0 })))
    await Promise.all(this.#taskings.map((tasking) => tasking.close()))
    await this.#database?.drop()
  }

  #keep<G extends Gate | Meeting>(gate: G): G {
    this.#gates.push(gate)
    return gate
  }
}
