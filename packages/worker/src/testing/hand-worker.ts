import type {
  ClaimedTask,
  Completion,
  Look,
  Task,
  Tasking,
  TurnResult,
  WorkerId,
} from '@tasking/core'
import { HandlerRun } from '../handler-run.ts'

// Longer than any test: nobody is to take it for missing.
const ttlMs = 86_400_000

// No component that a task requires can be newer.
const newestVersion = '999999999.999999999.999999999.999999999'

/** A worker without a loop: it claims a task and runs its handler when it is told to. */
export class HandWorker implements AsyncDisposable {
  readonly #tasking: Tasking
  readonly #id: WorkerId
  #looks: readonly Look[] = []

  private constructor(tasking: Tasking, id: WorkerId) {
    this.#tasking = tasking
    this.#id = id
  }

  /** @param tasks whose queues it serves, and for which it has whatever they require */
  static async register(
    tasking: Tasking,
    taskNames: readonly string[],
    tasks: readonly Task[],
  ): Promise<HandWorker> {
    const id = tasking.store.newId()
    const queues = [...new Set(tasks.map(({ queue }) => queue))]
    const components = tasks.flatMap(({ options }) => Object.keys(options?.requires ?? {}))
    const versions = Object.fromEntries(components.map((name) => [name, newestVersion]))
    const reach = { queues, taskNames, versions }
    const worker = { id, name: 'test', version: '', ttlMs, concurrency: 1, ...reach }
    await tasking.store.registerWorker(worker)
    return new HandWorker(tasking, id)
  }

  /** The next task that it may run, or none. */
  async claim(): Promise<ClaimedTask | undefined> {
    const { claimed, looks } = await this.#turn(1)
    const [task] = claimed
    // What was released by the turn before can show only now.
    return task === undefined && looks.length > 0 ? (await this.#turn(1)).claimed[0] : task
  }

  /** A run of the task's handler, on this event loop. */
  runOf(task: ClaimedTask): HandlerRun {
    // Without jitter, so that a test can tell when a task is tried again.
    return new HandlerRun(task, this.#id, { random: () => 0.5 })
  }

  /** Keeps what came of a run. */
  async end(completion: Completion): Promise<Task> {
    await this.#turn(0, [completion])
    return this.#tasking.find(completion.id)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tasking.store.unregisterWorker(this.#id)
  }

  async #turn(slots: number, completions: readonly Completion[] = []): Promise<TurnResult> {
    const turn = { workerId: this.#id, slots, completions, looks: this.#looks }
    const result = await this.#tasking.store.turn(turn)
    this.#looks = result.looks
    return result
  }
}
