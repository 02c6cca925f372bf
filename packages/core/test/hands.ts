import type { JsonValue } from '../src/json.ts'
import type { Completion } from '../src/completion.ts'
import type { Store } from '../src/store.ts'
import type { ClaimedTask, TaskError, WorkerId } from '../src/task.ts'

/** A worker moved by hand: it claims and ends tasks when a test says so. */
export class Hands {
  readonly #store: Store
  readonly #id: WorkerId

  private constructor(store: Store) {
    this.#store = store
    this.#id = store.newId()
  }

  static async register(store: Store, ...taskNames: readonly string[]): Promise<Hands> {
    const hands = new Hands(store)
    await store.registerWorker({
      id: hands.#id,
      name: 'hands',
      version: '',
      ttlMs: 60_000,
      concurrency: 100,
      queues: ['default'],
      taskNames,
    })
    return hands
  }

  async claim(): Promise<ClaimedTask> {
    const [task] = await this.#turn(1, [])
    if (task === undefined) throw new Error('There was nothing to claim.')
    return task
  }

  async complete({ id, fencingToken }: ClaimedTask, result: JsonValue = null): Promise<void> {
    await this.#turn(0, [{ id, fencingToken, state: 'completed', result }])
  }

  async fail({ id, fencingToken }: ClaimedTask, error: TaskError): Promise<void> {
    await this.#turn(0, [{ id, fencingToken, state: 'failed', error }])
  }

  async #turn(slots: number, completions: readonly Completion[]) {
    const turn = { workerId: this.#id, slots, completions, looks: [] }
    return (await this.#store.turn(turn)).claimed
  }
}
