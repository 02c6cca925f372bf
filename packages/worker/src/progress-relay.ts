import type { Clock, ProgressState } from '@tasking/core'

const gapMs = 200

/** The progress of a handler on its way from a thread or a process to its worker, a few times a second. */
export class ProgressRelay {
  readonly #clock: Clock
  readonly #send: (reports: readonly ProgressState[]) => void
  #unsent = new Map<string, ProgressState>()
  #sentAt = -Infinity
  #pause: AbortController | undefined

  constructor(clock: Clock, send: (reports: readonly ProgressState[]) => void) {
    this.#clock = clock
    this.#send = send
  }

  note(reports: readonly ProgressState[]): void {
    for (const report of reports) this.#unsent.set(report.code, report)
    const leftMs = this.#sentAt + gapMs - performance.now()
    // A handler that blocks its event loop lets no pause end.
    if (leftMs <= 0) this.flush()
    else if (this.#pause === undefined) void this.#flushAfter(leftMs)
  }

  flush(): void {
    this.#pause?.abort()
    this.#pause = undefined
    if (this.#unsent.size === 0) return
    this.#sentAt = performance.now()
    this.#send([...this.#unsent.values()])
    this.#unsent = new Map()
  }

  async #flushAfter(ms: number): Promise<void> {
    const { signal } = (this.#pause = new AbortController())
    await this.#clock.sleep(ms, signal)
    if (!signal.aborted) this.flush()
  }
}
