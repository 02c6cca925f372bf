import type { Beat, Clock, Store, WorkerId } from '@tasking/core'

/** So much of the TTL may pass without a heartbeat before the worker gives itself up. */
const patience = 0.8
/** And so much where its timers rang late: the beat that follows at once may be answered in time. */
const latePatience = 0.9
/** So much of the TTL is late. */
const late = 0.1
/** Who starts together with many others hears of them soon, and polls no more often than they may. */
const firstPausesMs = [1_000, 3_000]
/** Timers may ring so much too soon or too late. */
const slackMs = 5

// Counted from the start of the process, which differs from one to the other. A timer that has rung
// a little early counts for the moment that it was meant for, or there would be two beats for one.
function untilTogether(restMs: number): number {
  return restMs - ((performance.now() + slackMs) % restMs) + slackMs
}

export interface HeartbeatListener {
  onBeat(beat: Beat): void
  /** A beat that failed; the next one comes soon. */
  onFailure(error: unknown): void
  /** It could not beat in time, or has been declared missing: it must stop its handlers and end. */
  onMissing(): void
}

/**
 * Tells the store that the worker is alive, every third of its TTL and at first more often, at the
 * same moments as the other workers of its process, so that a store can send their beats together. What
 * counts is when a beat was sent, so that the worker gives itself up before the store can take it for
 * missing, however long the answer took and whatever the two clocks say: only lengths of time are
 * compared, each by one clock. The store counts from when the beat came, which is later, and to the
 * whole TTL. Whoever was kept from beating by its own event loop gets a little longer than one whose
 * beats aren't answered, since the store is likely to answer the next.
 */
export class Heartbeat {
  readonly #store: Store
  readonly #clock: Clock
  readonly #id: WorkerId
  readonly #ttlMs: number
  readonly #listener: HeartbeatListener
  readonly #end = new AbortController()
  #renewedAt = performance.now()
  #patience = patience

  constructor(
    store: Store,
    clock: Clock,
    id: WorkerId,
    ttlMs: number,
    listener: HeartbeatListener,
  ) {
    this.#store = store
    this.#clock = clock
    this.#id = id
    this.#ttlMs = ttlMs
    this.#listener = listener
  }

  /** When the last beat was sent that got an answer, by `performance.now()`. */
  get renewedAt(): number {
    return this.#renewedAt
  }

  /** Beats once before it resolves, so that the worker knows the fleet it joins. */
  async start(): Promise<void> {
    await this.#beat()
    void this.#keepBeating()
    void this.#watch()
  }

  /** Beats at once beside the regular beats: something says that more time may have passed. */
  async ask(): Promise<void> {
    try {
      if (!this.#end.signal.aborted) await this.#beat()
    } catch (error) {
      if (!this.#end.signal.aborted) this.#listener.onFailure(error)
    }
  }

  /** A beat that hangs is not waited for: its answer counts no more. */
  stop(): void {
    this.#end.abort()
  }

  async #keepBeating(): Promise<void> {
    const restMs = this.#ttlMs / 3
    const firstPauses = firstPausesMs.values()
    const next = () => Math.min(untilTogether(restMs), firstPauses.next().value ?? restMs)
    let pauseMs = next()
    while (!this.#end.signal.aborted) {
      await this.#sleep(pauseMs)
      if (this.#end.signal.aborted) return
      try {
        await this.#beat()
        pauseMs = next()
      } catch (error) {
        if (this.#end.signal.aborted) return
        this.#listener.onFailure(error)
        pauseMs = Math.min(this.#ttlMs / 10, 1_000)
      }
    }
  }

  async #beat(): Promise<void> {
    const sentAt = performance.now()
    const beat = await this.#store.beat(this.#id)
    if (this.#end.signal.aborted) return
    if (!beat.alive) return this.#giveUp()
    // Beats may overtake each other.
    this.#renewedAt = Math.max(this.#renewedAt, sentAt)
    this.#patience = patience
    this.#listener.onBeat(beat)
  }

  // Beside the beats, since one of those may hang for as long as the network pleases.
  async #watch(): Promise<void> {
    while (!this.#end.signal.aborted) {
      const leftMs = this.#renewedAt + this.#ttlMs * this.#patience - performance.now()
      if (leftMs <= 0) return this.#giveUp()
      await this.#sleep(leftMs)
    }
  }

  async #sleep(ms: number): Promise<void> {
    const wakesAt = performance.now() + ms
    await this.#clock.sleep(ms, this.#end.signal)
    if (performance.now() - wakesAt >= this.#ttlMs * late) this.#patience = latePatience
  }

  #giveUp(): void {
    if (this.#end.signal.aborted) return
    this.#end.abort()
    this.#listener.onMissing()
  }
}
