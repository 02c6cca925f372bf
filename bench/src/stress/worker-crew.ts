import type { WorkerId } from '@tasking/core'
import { spawnRemote } from '../processes/remote.ts'
import type { Remote } from '../processes/remote.ts'
import { gaveUpCode } from './gave-up.ts'
import type { StressWorkerApi, StressWorkerSetup } from './worker-process.ts'

const script = new URL('./worker-process.ts', import.meta.url)

interface Member {
  readonly remote: Remote<StressWorkerApi>
  /** It was told to leave, and then has said that nothing of its is left to do. */
  leaving: boolean
  left: boolean
}

/** Worker processes that are replaced whenever one of them ends, however it does. */
export class WorkerCrew implements AsyncDisposable {
  readonly #setup: StressWorkerSetup
  readonly #members = new Set<Member>()
  readonly #deaths = new Map<number, bigint>()
  readonly #deadWorkers = new Set<WorkerId>()
  #open = true
  readonly #crashes: string[] = []
  #gaveUp = 0

  constructor(setup: StressWorkerSetup, size: number) {
    this.#setup = setup
    for (let n = 0; n < size; n += 1) this.#enlist()
  }

  /** When each process that died was seen dead, on the monotonic clock. */
  get deaths(): ReadonlyMap<number, bigint> {
    return this.#deaths
  }

  /** The workers whose processes died. */
  get deadWorkers(): ReadonlySet<WorkerId> {
    return this.#deadWorkers
  }

  /** How many ended by themselves, since they could not renew their heartbeats in time. */
  get gaveUp(): number {
    return this.#gaveUp
  }

  /** How those ended that nobody had asked to, and that had not given themselves up. */
  get crashes(): readonly string[] {
    return this.#crashes
  }

  /** SIGKILL for one of them. */
  kill(chance: number): void {
    this.#choose(chance)?.remote.kill('SIGKILL')
  }

  /** One of them ends what it runs, and leaves. */
  async retire(chance: number): Promise<void> {
    const member = this.#choose(chance)
    if (member !== undefined) await this.#leave(member)
  }

  /** All of them end what they run, and leave. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#open = false
    await Promise.all([...this.#members].map((member) => this.#leave(member)))
  }

  #choose(chance: number): Member | undefined {
    const staying = [...this.#members].filter(({ leaving }) => !leaving)
    return staying[Math.floor(chance * staying.length)]
  }

  async #leave(member: Member): Promise<void> {
    member.leaving = true
    await member.remote.call('stop').then(
      () => (member.left = true),
      // It has died on the way.
      () => undefined,
    )
    await member.remote[Symbol.asyncDispose]()
  }

  #enlist(): void {
    const remote = spawnRemote<StressWorkerApi>(script)
    const member: Member = { remote, leaving: false, left: false }
    this.#members.add(member)
    const started = remote.call('start', this.#setup).catch(() => undefined)
    void remote.exited.then(async (how) => {
      this.#members.delete(member)
      this.#deaths.set(remote.pid, process.hrtime.bigint())
      if (how === `exit code ${gaveUpCode}`) this.#gaveUp += 1
      else if (how !== 'SIGKILL') this.#crashes.push(how)
      if (this.#open) this.#enlist()
      const id = await started
      if (id !== undefined && !member.left) this.#deadWorkers.add(id)
    })
  }
}
