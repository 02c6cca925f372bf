import { systemClock } from '../clock.ts'
import type { Clock } from '../clock.ts'
import { milliseconds } from '../duration.ts'
import type { Duration } from '../duration.ts'

interface Sleeper {
  readonly until: number
  readonly wake: () => void
}

/** A clock that stands still until it is moved on, without jitter. */
export class HandClock implements Clock {
  readonly #sleepers = new Set<Sleeper>()
  readonly #startMs: number
  #ms: number

  /** @param start where it stands; default the beginning of 2026 */
  constructor(start: Date = new Date('2026-01-01T00:00:00Z')) {
    this.#startMs = start.getTime()
    this.#ms = this.#startMs
  }

  now(): Date {
    return new Date(this.#ms)
  }

  /** The middle of the range. */
  random(): number {
    return 0.5
  }

  /** Milliseconds since it was made. */
  get elapsed(): number {
    return this.#ms - this.#startMs
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve()
      const wake = () => {
        this.#sleepers.delete(sleeper)
        signal?.removeEventListener('abort', wake)
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

  /** Moves on by so much, stopping at each moment that somebody waits for. */
  async advance(duration: Duration): Promise<void> {
    await settled()
    const end = this.#ms + milliseconds(duration)
    for (let pause = this.pauses[0]; pause !== undefined; pause = this.pauses[0]) {
      if (this.#ms + pause > end) break
      await this.next()
    }
    this.#ms = end
  }

  /** Moves on to the next moment that somebody waits for, and lets what follows happen. */
  async next(): Promise<void> {
    this.#ms += Math.max(0, this.pauses[0] ?? 0)
    for (const { until, wake } of [...this.#sleepers]) if (until <= this.#ms) wake()
    await settled()
  }

  /** Moves on by so much at once, and wakes nobody yet. */
  move(duration: Duration): void {
    this.#ms += milliseconds(duration)
  }
}

/** Resolves when everything that waits for nothing from outside has gone as far as it can. */
export function settled(): Promise<void> {
  return systemClock.sleep(0)
}
