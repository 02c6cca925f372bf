import type { Signal, SignalSource } from './signal.ts'

/** The signals of a store in memory: they arrive at once, and none is lost. */
export class MemorySignals implements SignalSource {
  readonly #listeners = new Set<(signal: Signal) => void>()

  async subscribe(onSignal: (signal: Signal) => void, onConnection: (connected: boolean) => void) {
    this.#listeners.add(onSignal)
    onConnection(true)
    return async () => void this.#listeners.delete(onSignal)
  }

  emit(signal: Signal): void {
    for (const listener of this.#listeners) listener(signal)
  }

  /** Something may be there to claim in these queues. */
  wake(queues: readonly string[]): void {
    for (const queue of new Set(queues)) this.emit({ kind: 'wakeup', queue })
  }

  /** The next scheduled task is due in so many milliseconds; `null` without any. */
  expect(inMs: number | null): void {
    if (inMs !== null) this.emit({ kind: 'due', inMs })
  }

  clear(): void {
    this.#listeners.clear()
  }
}
