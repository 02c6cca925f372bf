import type { Clock, Signal } from '@tasking/core'
import type { Connection } from './connection.ts'

// A commit that notifies holds a lock on the whole database: so many may share one.
const gapMs = 5
const mostFlushMs = 1_000

/**
 * Sends signals with NOTIFY, outside the transactions that cause them: the first at once, those
 * that come while one is under way together in the next. A signal that fails is let go, since
 * polling finds what it told of.
 */
export class Notifier {
  readonly #connection: Connection
  readonly #channel: string
  readonly #clock: Clock
  #pending = new Map<string, Signal>()
  #sending: Promise<void> | undefined

  constructor(connection: Connection, channel: string, clock: Clock) {
    this.#clock = clock
    this.#connection = connection
    this.#channel = channel
  }

  send(signals: Iterable<Signal>): void {
    for (const signal of signals) this.#pending.set(JSON.stringify(signal), signal)
    if (this.#pending.size > 0) {
      this.#sending ??= this.#sendAll().finally(() => (this.#sending = undefined))
    }
  }

  /** Resolves when nothing is left to send, or after a second: hints are not worth more. */
  async flush(): Promise<void> {
    if (this.#sending === undefined) return
    const enough = new AbortController()
    await Promise.race([this.#sending, this.#clock.sleep(mostFlushMs, enough.signal)])
    enough.abort()
  }

  async #sendAll(): Promise<void> {
    while (this.#pending.size > 0) {
      const payloads = [...this.#pending.keys()]
      this.#pending = new Map()
      await this.#connection
        .query(
          'select pg_notify($1, payload) from jsonb_array_elements_text($2::text::jsonb) as payload',
          [this.#channel, JSON.stringify(payloads)],
        )
        .catch(() => undefined)
      if (this.#pending.size > 0) await this.#clock.sleep(gapMs)
    }
  }
}
