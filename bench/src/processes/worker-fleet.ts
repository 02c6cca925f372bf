import type { Metered } from '../measure/meter.ts'
import { spawnRemote } from './remote.ts'
import type { Remote } from './remote.ts'
import type { TurnTimes, WorkersApi, WorkersEvent, WorkerSetup } from './workers.ts'

const script = new URL('./workers.ts', import.meta.url)

export interface FleetSetup extends WorkerSetup {
  /** How many processes; `workers` is the number in each. */
  readonly processes: number
}

/** Real workers in processes of their own. */
export class WorkerFleet implements AsyncDisposable {
  readonly #remotes: readonly Remote<WorkersApi, WorkersEvent>[]
  #finished = 0
  #waiting: { readonly count: number; readonly resolve: () => void }[] = []

  private constructor(remotes: readonly Remote<WorkersApi, WorkersEvent>[]) {
    this.#remotes = remotes
    for (const remote of remotes) remote.onEvent(({ finished }) => this.#note(finished))
  }

  static async start({ processes, ...setup }: FleetSetup): Promise<WorkerFleet> {
    const remotes = Array.from({ length: processes }, () =>
      spawnRemote<WorkersApi, WorkersEvent>(script),
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
    return this.#finished
  }

  /** Resolves when the workers have finished so many tasks since their start. */
  async untilFinished(count: number): Promise<void> {
    if (this.#finished >= count) return
    const died = Promise.race(this.#remotes.map(({ exited }) => exited))
    const reached = new Promise<void>((resolve) => this.#waiting.push({ count, resolve }))
    const how = await Promise.race([reached, died])
    if (how !== undefined) throw new Error(`A process with workers ended: ${how}`)
  }

  /** All turns since the last question. */
  async turns(): Promise<TurnTimes> {
    const all = await Promise.all(this.#remotes.map((remote) => remote.call('turns')))
    return all.reduce((sum, one) => ({ turns: sum.turns + one.turns, ms: sum.ms + one.ms }))
  }

  /** Stops the workers in order, so that nobody has to take them for missing. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#remotes.map((remote) => remote.call('stop')))
    await Promise.all(this.#remotes.map((remote) => remote[Symbol.asyncDispose]()))
  }

  #note(finished: number): void {
    this.#finished += finished
    for (const { count, resolve } of this.#waiting) if (this.#finished >= count) resolve()
    this.#waiting = this.#waiting.filter(({ count }) => this.#finished < count)
  }
}
