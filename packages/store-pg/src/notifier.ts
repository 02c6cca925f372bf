import type { Clock, Signal } from '@tasking/core'
import type { Connection } from './connection.ts'
import { wakeup } from './signals.ts'

// A commit that notifies holds a lock on the whole database: so many may share one.
const gapMs = 5
const notify =
  'select pg_notify($1, payload) from jsonb_array_elements_text($2::text::jsonb) as payload'
const mostFlushMs = 1_000

/**
 * Sends signals with NOTIFY, outside the transactions that cause them: the first at once, those
 * that come within the gap after it together, but for cancels, which don't wait. Where little goes
 * on, a dispatch may carry its own. A signal that fails twice is let go, since polling finds what it
 * told of.
 */
export class Notifier {
  readonly #connection: Connection
  readonly #channel: string
  readonly #clock: Clock
  /** Of each queue, how many tasks; undefined where that isn't known. */
  #wakeups = new Map<string | null, number | undefined>()
  #others = new Set<string>()
  #sending: Promise<void> | undefined
  #busyUntil = 0
  #hurry = new AbortController()

  constructor(connection: Connection, channel: string, clock: Clock) {
    this.#clock = clock
    this.#connection = connection
    this.#channel = channel
  }

  send(signals: Iterable<Signal>): void {
    for (const signal of signals) {
      if (signal.kind === 'wakeup') this.#wake(signal)
      else this.#others.add(JSON.stringify(signal))
      if (signal.kind === 'cancel') this.#hurry.abort()
    }
    if (this.#hasMore) this.#sending ??= this.#sendAll()
  }

  /**
   * Whether a commit may carry its own signal, which saves a round trip: where little goes on, and
   * not many at once.
   */
  yields(): boolean {
    const now = performance.now()
    if (this.#sending !== undefined || now < this.#busyUntil) return false
    this.#busyUntil = now + gapMs
    return true
  }

  /** Sends signals with the commit of somebody's transaction. */
  async sendWithin(transaction: Connection, signals: readonly Signal[]): Promise<void> {
    if (signals.length === 0) return
    await transaction.query(notify, [
      this.#channel,
      JSON.stringify(signals.map((signal) => JSON.stringify(signal))),
    ])
  }

  /** Resolves when nothing is left to send, or after a second: hints are not worth more. */
  async flush(): Promise<void> {
    if (this.#sending === undefined) return
    const enough = new AbortController()
    await Promise.race([this.#sending, this.#clock.sleep(mostFlushMs, enough.signal)])
    enough.abort()
  }

  async #sendAll(): Promise<void> {
    while (this.#hasMore) {
      const waitMs = this.#busyUntil - performance.now()
      if (waitMs > 0) await this.#clock.sleep(waitMs, this.#hurry.signal)
      const payloads = this.#take()
      // After an outage the pool may yet have a connection that died unnoticed; the next is a new one.
      if (!(await this.#isSent(payloads))) await this.#isSent(payloads)
      this.#busyUntil = performance.now() + gapMs
    }
    // In the same breath as the last look, so that nothing can come in between.
    this.#sending = undefined
  }

  get #hasMore(): boolean {
    return this.#wakeups.size > 0 || this.#others.size > 0
  }

  // By how many tasks it tells of, a fleet goes.
  #wake({ queue, tasks }: Extract<Signal, { kind: 'wakeup' }>): void {
    const before = this.#wakeups.has(queue) ? this.#wakeups.get(queue) : 0
    const isKnown = before !== undefined && tasks !== undefined
    this.#wakeups.set(queue, isKnown ? before + tasks : undefined)
  }

  #take(): string[] {
    const wakeups = [...this.#wakeups].map(([queue, tasks]) => wakeup(queue, tasks))
    const payloads = [...wakeups.map((one) => JSON.stringify(one)), ...this.#others]
    this.#wakeups = new Map()
    this.#others = new Set()
    this.#hurry = new AbortController()
    return payloads
  }

  async #isSent(payloads: readonly string[]): Promise<boolean> {
    return this.#connection.query(notify, [this.#channel, JSON.stringify(payloads)]).then(
      () => true,
      () => false,
    )
  }
}
