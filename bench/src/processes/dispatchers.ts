import type { Metered } from '../measure/meter.ts'
import type { DispatcherApi, Load, Offer } from './dispatcher.ts'
import { spawnRemote } from './remote.ts'
import type { Remote } from './remote.ts'

const script = new URL('./dispatcher.ts', import.meta.url)

/** Processes that dispatch. */
export class Dispatchers implements AsyncDisposable {
  readonly #remotes: readonly Remote<DispatcherApi>[]

  private constructor(remotes: readonly Remote<DispatcherApi>[]) {
    this.#remotes = remotes
  }

  static async start(url: string, processes: number): Promise<Dispatchers> {
    const remotes = Array.from({ length: processes }, () => spawnRemote<DispatcherApi>(script))
    const dispatchers = new Dispatchers(remotes)
    try {
      await Promise.all(remotes.map((remote) => remote.call('open', { url })))
      return dispatchers
    } catch (error) {
      await dispatchers[Symbol.asyncDispose]()
      throw error
    }
  }

  get processes(): readonly Metered[] {
    return this.#remotes
  }

  /** Each of them dispatches that load. @returns how long each dispatch took, in milliseconds */
  async dispatch(load: Load): Promise<number[]> {
    const all = await Promise.all(this.#remotes.map((remote) => remote.call('dispatch', load)))
    return all.flat()
  }

  /** They share the offered rate. @returns how many tasks they dispatched */
  async offer({ perSecond, ...offer }: Offer): Promise<number> {
    const share = { ...offer, perSecond: perSecond / this.#remotes.length }
    const all = await Promise.all(this.#remotes.map((remote) => remote.call('offer', share)))
    return all.reduce((sum, one) => sum + one, 0)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#remotes.map((remote) => remote[Symbol.asyncDispose]()))
  }
}
