import { vi } from 'vitest'
import type { Clock } from '@tasking/core'

interface Sleeper {
  readonly until: number
  readonly wake: () => void
}

/** A clock that stands still until it is moved on, and `performance.now()` with it. */
export class HandClock implements Clock {
  readonly #sleepers = new Set<Sleeper>()
  #ms = 1_000

  constructor() {
    vi.spyOn(performance, 'now').mockImplementation(() => this.#ms)
  }

  /** Without jitter: the middle of the range. */
  random(): number {
    return 0.5
  }

  now(): Date {
    return new Date(this.#ms)
  }

  /** Milliseconds since it was made. */
  get elapsed(): number {
    return this.#ms - 1_000
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

  /** How long those who sleep will go on to, the shortest first. */
  get pauses(): number[] {
    return [...this.#sleepers].map(({ until }) => until - this.#ms).toSorted((a, b) => a - b)
  }

  /** Moves on by so much, stopping at each moment that somebody waits for. */
  async advance(ms: number): Promise<void> {
    await settled()
    const end = this.#ms + ms
    for (let pause = this.pauses[0]; pause !== undefined; pause = this.pauses[0]) {
      if (this.#ms + pause > end) break
      this.#ms += Math.max(0, pause)
      for (const { until, wake } of [...this.#sleepers]) if (until <= this.#ms) wake()
      await settled()
    }
    this.#ms = end
  }
}

/** Resolves when everything that waits for nothing from outside has gone as far as it can. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** A clock on which no pause ends by itself: whoever sleeps must be woken. */
export const frozenClock: Clock = {
  now: () => new Date(),
  random: () => 0.5,
  sleep: (_ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve()
      signal?.addEventListener('abort', () => resolve(), { once: true })
    }),
}
