import { setTimeout as sleep } from 'node:timers/promises'
import { spawnRemote } from '../processes/remote.ts'
import type { Remote } from '../processes/remote.ts'

/** What every member of a team can be asked. */
export interface MemberApi<Setup> {
  /** Begins, and goes on until it is told to stop. */
  start(setup: Setup): Promise<void>
  /** @returns how much it has done */
  stop(): Promise<number>
}

export interface TeamSetup<Setup> {
  readonly script: URL
  readonly size: number
  /** What a member gets, by its number and by how many held its place before. */
  readonly setup: (number: number, before: number) => Setup
}

const stopLimitMs = 30_000

/** Processes that do the same until they are stopped; whoever ends before is replaced. */
export class Team<Setup> implements AsyncDisposable {
  readonly #options: TeamSetup<Setup>
  readonly #members = new Map<number, Remote<MemberApi<Setup>>>()
  readonly #crashes: string[] = []
  #stopping = false

  constructor(options: TeamSetup<Setup>) {
    this.#options = options
    for (let number = 0; number < options.size; number += 1) this.#enlist(number, 0)
  }

  /** How those ended that nobody had asked to. */
  get crashes(): readonly string[] {
    return this.#crashes
  }

  /** Stops all of them; one that doesn't answer counts as crashed. @returns what they have done */
  async stop(): Promise<number> {
    this.#stopping = true
    const counts = await Promise.all([...this.#members.values()].map((one) => this.#stop(one)))
    return counts.reduce((sum, count) => sum + count, 0)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping = true
    await Promise.all([...this.#members.values()].map((one) => one[Symbol.asyncDispose]()))
  }

  async #stop(member: Remote<MemberApi<Setup>>): Promise<number> {
    const answered = new AbortController()
    const limit = sleep(stopLimitMs, undefined, { signal: answered.signal }).catch(() => undefined)
    try {
      const count = await Promise.race([member.call('stop'), limit])
      if (count === undefined) this.#crashes.push('it hangs')
      return count ?? 0
    } catch (error) {
      this.#crashes.push(String(error))
      return 0
    } finally {
      answered.abort()
      await member[Symbol.asyncDispose]()
    }
  }

  #enlist(number: number, before: number): void {
    const { script, setup } = this.#options
    const member = spawnRemote<MemberApi<Setup>>(script)
    this.#members.set(number, member)
    // How it ended says more than an unanswered call.
    member.call('start', setup(number, before)).catch(() => undefined)
    void member.exited.then((how) => {
      if (this.#stopping) return
      this.#crashes.push(how)
      this.#enlist(number, before + 1)
    })
  }
}
