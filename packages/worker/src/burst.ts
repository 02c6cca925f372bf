import type { Completion, Logger, Store, TaskId } from '@tasking/core'

/**
 * Says when a burst is over: when nothing can run, and no task that this worker has begun is to be
 * tried again soon. Those that are tried again later are left, and so is one that nobody brings back
 * into line although it is due, as where all workers are auxiliary.
 */
export class Burst {
  readonly #store: Pick<Store, 'find'>
  readonly #waitMs: number
  readonly #logger: Logger
  /** Until when each is waited for, by `performance.now()`. */
  readonly #soon = new Map<TaskId, number>()
  readonly #later = new Set<TaskId>()

  /** @param waitMs what is due within that is soon */
  constructor(store: Pick<Store, 'find'>, waitMs: number, logger: Logger) {
    this.#store = store
    this.#waitMs = waitMs
    this.#logger = logger
  }

  /** Takes note of an end that is stored. */
  note(completion: Completion): void {
    const { id, state } = completion
    this.#soon.delete(id)
    this.#later.delete(id)
    if (state !== 'retry') return
    const { delayMs } = completion
    if (delayMs < this.#waitMs) this.#soon.set(id, performance.now() + delayMs + this.#waitMs)
    else this.#later.add(id)
  }

  /** Asked after each turn that found nothing to run: where it had to wait, not before another one. */
  async isOver(): Promise<boolean> {
    const waited = this.#soon.size > 0
    try {
      await this.#look()
    } catch (err) {
      this.#logger.warn({ err }, 'could not see what is to be tried again')
      return false
    }
    if (waited) return false
    const tasks = this.#later.size
    if (tasks > 0) {
      this.#logger.warn({ tasks }, 'the burst ends before all that has failed was tried again')
    }
    return true
  }

  // Whatever isn't scheduled is in line again, has run elsewhere, or was canceled.
  async #look(): Promise<void> {
    const ids = [...this.#soon.keys(), ...this.#later]
    if (ids.length === 0) return
    const tasks = await this.#store.find(ids)
    const scheduled = new Set(
      tasks.filter(({ state }) => state === 'scheduled').map(({ id }) => id),
    )
    for (const id of ids) {
      const isLate = (this.#soon.get(id) ?? 0) < performance.now()
      if (!scheduled.has(id) || isLate) this.#soon.delete(id)
      if (!scheduled.has(id)) this.#later.delete(id)
      else if (isLate) this.#later.add(id)
    }
  }
}
