import type { Metered } from '../measure/meter.ts'
import type { CrewMemberApi, MemberSetup, RunNote } from './crew-member.ts'
import { FinishedCount } from './finished-count.ts'
import type { FinishedEvent } from './finished-tally.ts'
import { spawnRemote } from './remote.ts'
import type { Remote } from './remote.ts'

const script = new URL('./crew-member.ts', import.meta.url)

/** Processes with a worker each of some task system, which end with its database. */
export class Crew implements AsyncDisposable {
  readonly #remotes: readonly Remote<CrewMemberApi, FinishedEvent>[]
  readonly #finished = new FinishedCount()

  private constructor(remotes: readonly Remote<CrewMemberApi, FinishedEvent>[]) {
    this.#remotes = remotes
    for (const remote of remotes) remote.onEvent(({ finished }) => this.#finished.add(finished))
  }

  /** They are connected then, and take no tasks yet. */
  static async open(processes: number, setup: MemberSetup): Promise<Crew> {
    const remotes = Array.from({ length: processes }, () =>
      spawnRemote<CrewMemberApi, FinishedEvent>(script),
    )
    const crew = new Crew(remotes)
    try {
      await Promise.all(remotes.map((remote) => remote.call('open', setup)))
      return crew
    } catch (error) {
      await crew[Symbol.asyncDispose]()
      throw error
    }
  }

  get processes(): readonly Metered[] {
    return this.#remotes
  }

  /** Begins to take tasks. */
  async start(): Promise<void> {
    await Promise.all(this.#remotes.map((remote) => remote.call('start')))
  }

  /** Resolves when so many tasks are finished since the start. */
  untilFinished(count: number): Promise<void> {
    return this.#finished.until(
      count,
      this.#remotes.map(({ exited }) => exited),
    )
  }

  /** What the handlers noted, if they were told to. */
  async runs(): Promise<RunNote[]> {
    return (await this.runsByProcess()).flat()
  }

  async runsByProcess(): Promise<(readonly RunNote[])[]> {
    return Promise.all(this.#remotes.map((remote) => remote.call('runs')))
  }

  // Nobody misses them: nothing else works on their database.
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#remotes.map((remote) => remote[Symbol.asyncDispose]()))
  }
}
