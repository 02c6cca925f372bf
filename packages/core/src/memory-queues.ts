import type { Clock } from './clock.ts'
import type { QueueRecord } from './queue.ts'
import type { WorkerRecord } from './worker.ts'

/** The paused queues of a store in memory. */
export class MemoryQueues {
  readonly #clock: Clock
  readonly #paused = new Map<string, Pick<QueueRecord, 'pausedAt' | 'reason'>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  isPaused(queue: string): boolean {
    return this.#paused.has(queue)
  }

  /** The first time and its reason stand. */
  pause(queue: string, reason: string | undefined): void {
    if (this.isPaused(queue)) return
    this.#paused.set(queue, { pausedAt: this.#clock.now(), reason: reason ?? null })
  }

  resume(queue: string): void {
    this.#paused.delete(queue)
  }

  records(workers: readonly WorkerRecord[]): QueueRecord[] {
    const served = workers.filter(({ alive }) => alive).flatMap(({ queues }) => queues)
    return [...new Set([...this.#paused.keys(), ...served])].toSorted().map((queue) => ({
      ...{ queue, pausedAt: null, reason: null },
      ...this.#paused.get(queue),
      workers: served.filter((one) => one === queue).length,
    }))
  }
}
