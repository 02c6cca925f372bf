import { durationText } from '@tasking/core'
import type { Clock, Logger } from '@tasking/core'
import { Child } from './child.ts'
import type { ChildLimits } from './child-channel.ts'
import { IsolationError } from './child-error.ts'
import type { ChildSetUp, LogLine } from './child-message.ts'
import { startProcess } from './process-channel.ts'
import { startThread } from './thread-channel.ts'

type Kind = 'thread' | 'process'

const longestStartMs = 60_000
// What a burst has needed goes when the burst is over.
const longestRestMs = 60_000
const longestLeaveMs = 5_000

/**
 * The threads and processes of a worker, kept warm between handlers. There are never more at work
 * than the worker has slots, since each slot takes one.
 *
 * It is written here because no pool of the libraries can do what a task needs: piscina has threads
 * only, and ends one at once when its signal aborts; tinypool has both, but tells neither signal nor
 * exit code; neither lets a task hear of an abort first and be killed later. All of them bring a
 * queue of their own, and ours is in the database.
 */
export class ChildPool {
  readonly #setUp: ChildSetUp
  readonly #limits: ChildLimits
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #all = new Set<Child>()
  /** Those that wait for a handler, the last one to have worked last; each with what ends its rest. */
  readonly #idle = new Map<Child, AbortController>()
  #aliveUntil: number | undefined
  #closed = false

  constructor(setUp: ChildSetUp, limits: ChildLimits, clock: Clock, logger: Logger) {
    this.#setUp = setUp
    this.#limits = limits
    this.#clock = clock
    this.#logger = logger
  }

  /**
   * Opens one, so that what would fail every task fails the start instead.
   * @throws IsolationError also when it doesn't know one of the tasks
   */
  async warmUp(kind: Kind, taskNames: readonly string[]): Promise<void> {
    const { child, known } = await this.#start(kind)
    const unknown = taskNames.filter((name) => !known.includes(name))
    if (unknown.length > 0) {
      child.kill()
      throw new IsolationError(kind, `its tasking does not know ${unknown.join(', ')}.`)
    }
    this.release(child)
  }

  /** A warm one, or a new one. It is the caller's until `release`. @throws IsolationError */
  async take(kind: Kind): Promise<Child> {
    const warm = [...this.#idle].findLast(([child]) => child.isolation === kind && child.isUsable)
    if (warm === undefined) return (await this.#start(kind)).child
    const [child, rest] = warm
    this.#idle.delete(child)
    rest.abort()
    return child
  }

  /** Keeps it for the next handler, unless it has ended or there will be none. */
  release(child: Child): void {
    if (!child.isUsable || this.#closed) return
    const rest = new AbortController()
    this.#idle.set(child, rest)
    void this.#retire(child, rest.signal)
  }

  /** Lets them live until then, by `performance.now()`, should this process be paused. */
  renew(until: number): void {
    this.#aliveUntil = until
    for (const child of this.#all) child.renew(until - performance.now())
  }

  /** Asks all to leave, and waits until they have; whoever doesn't is killed. */
  async close(): Promise<void> {
    this.#endRests()
    await Promise.all([...this.#all].map((child) => this.#letGo(child)))
  }

  /** Kills all, now. */
  kill(): void {
    this.#endRests()
    for (const child of this.#all) child.kill()
  }

  #endRests(): void {
    this.#closed = true
    for (const rest of this.#idle.values()) rest.abort()
    this.#idle.clear()
  }

  async #start(kind: Kind): Promise<{ readonly child: Child; readonly known: readonly string[] }> {
    const channel = (kind === 'thread' ? startThread : startProcess)(this.#limits)
    const child = new Child(channel, (line) => this.#log(line))
    this.#all.add(child)
    void child.ended.then((end) => {
      this.#all.delete(child)
      const rest = this.#idle.get(child)
      if (rest === undefined) return
      this.#idle.delete(child)
      rest.abort()
      this.#logger.warn({ isolation: kind }, `an idle ${kind} ${child.wayOf(end)}`)
    })
    if (this.#aliveUntil !== undefined) child.renew(this.#aliveUntil - performance.now())
    const opened = new AbortController()
    const tooLate = this.#clock.sleep(longestStartMs, opened.signal).then(() => undefined)
    try {
      const known = await Promise.race([child.open(this.#setUp), tooLate])
      if (known !== undefined) return { child, known }
      throw new IsolationError(kind, `it was not ready after ${durationText(longestStartMs)}.`)
    } catch (error) {
      child.kill()
      throw error
    } finally {
      opened.abort()
    }
  }

  async #retire(child: Child, signal: AbortSignal): Promise<void> {
    await this.#clock.sleep(longestRestMs, signal)
    // Taken before its time was over, or ended.
    if (signal.aborted || !this.#idle.delete(child)) return
    await this.#letGo(child)
  }

  async #letGo(child: Child): Promise<void> {
    child.leave()
    const ended = new AbortController()
    void child.ended.then(() => ended.abort())
    await this.#clock.sleep(longestLeaveMs, ended.signal)
    if (!ended.signal.aborted) child.kill()
    await child.ended
  }

  #log({ level, fields, message }: LogLine): void {
    if (message === undefined) this.#logger[level](fields)
    else this.#logger[level](fields, message)
  }
}
