import type { Metered } from '../measure/meter.ts'
import { FinishedCount } from './finished-count.ts'
import type { FinishedEvent } from './finished-tally.ts'
import { spawnRemote } from './remote.ts'
import type { Remote } from './remote.ts'
import type { TurnTimes, WorkersApi, WorkerSetup } from './workers.ts'

const script = new URL('./workers.ts', import.meta.url)

export interface FleetSetup extends WorkerSetup {
  /** How many processes; `workers` is the number in each. */
  readonly processes: number
}

/** Real workers in processes of their own. */
export class WorkerFleet implements AsyncDisposable {
  readonly #remotes: readonly Remote<WorkersApi, FinishedEvent>[]
  readonly #finished = new FinishedCount()

  private constructor(remotes: readonly Remote<WorkersApi, FinishedEvent>[]) {
    this.#remotes = remotes
    for (const remote of remotes) remote.onEvent(({ finished }) => this.#finished.add(finished))
  }

  static async start({ processes, ...setup }: FleetSetup): Promise<WorkerFleet> {
    const remotes = Array.from({ length: processes }, () =>
      spawnRemote<WorkersApi, FinishedEvent>(script),
    )
    const fleet = new WorkerFleet(remotes)
    try {
      await Promise.all(remotes.map((remote) => remote.call('start', setup)))
      return fleet
    } catch (error) {
      await fleet[Symbol.asyncDispose]()
      throw error
    }
  }

  get processes(): readonly Metered[] {
    return this.#remotes
  }

  /** How many tasks the workers have finished. */
  get finished(): number {
    return this.#finished.value
  }

  /** Resolves when the workers have finished so many tasks since their start. */
  untilFinished(count: number): Promise<void> {
    return this.#finished.until(
      count,
      this.#remotes.map(({ exited }) => exited),
    )
  }

  /** All turns since the last question. */
  async turns(): Promise<TurnTimes> {
    const all = await Promise.all(this.#remotes.map((remote) => remote.call('turns')))
    return all.reduce((sum, one) => ({ turns: sum.turns + one.turns, ms: sum.ms + one.ms }))
  }

  /** How many workers have been given up. */
  async missing(): Promise<number> {
    const all = await Promise.all(this.#remotes.map((remote) => remote.call('missing')))
    return all.reduce((sum, one) => sum + one, 0)
  }

  /** Stops the workers in order, so that nobody has to take them for missing. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#remotes.map((remote) => remote.call('stop')))
    await Promise.all(this.#remotes.map((remote) => remote[Symbol.asyncDispose]()))
  }
}
