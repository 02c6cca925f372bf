import type { Clock } from '../src/clock.ts'

interface Sleeper {
  readonly until: number
  readonly wake: () => void
}

/** A clock that stands still until it is moved on. */
export class HandClock implements Clock {
  readonly #sleepers = new Set<Sleeper>()
  #ms = Date.parse('2026-01-01T00:00:00Z')

  /** Without jitter: the middle of the range. */
  random(): number {
    return 0.5
  }

  now(): Date {
    return new Date(this.#ms)
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve()
      const wake = () => {
        this.#sleepers.delete(sleeper)
        resolve()
      }
      const sleeper = { until: this.#ms + ms, wake }
      this.#sleepers.add(sleeper)
      signal?.addEventListener('abort', wake, { once: true })
    })
  }

  /** How long those who sleep will go on to, in milliseconds, the shortest first. */
  get pauses(): number[] {
    return [...this.#sleepers].map(({ until }) => until - this.#ms).toSorted((a, b) => a - b)
  }

  /** Moves on to the next moment that somebody waits for, and lets what follows happen. */
  async next(): Promise<void> {
    this.#ms += Math.max(0, this.pauses[0] ?? 0)
    for (const { until, wake } of this.#sleepers) if (until <= this.#ms) wake()
    await settled()
  }

  move(ms: number): void {
    this.#ms += ms
  }
}

/** Resolves when everything that waits for nothing from outside has gone as far as it can. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
