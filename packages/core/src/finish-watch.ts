import type { Clock } from './clock.ts'
import { StoreUnavailableError, TaskNotFoundError } from './errors.ts'
import { isFinal } from './state-machine.ts'
import type { Store } from './store.ts'
import type { Task, TaskId } from './task.ts'

function closedWhileWaiting(): Error {
  return new Error('The tasking was closed while results were awaited.')
}

const shortestPollMs = 20
const longestPollMs = 500

interface Waiter {
  readonly resolve: (task: Task) => void
  readonly reject: (error: unknown) => void
}

/** Waits for the end of any number of tasks with one query at a time. */
export class FinishWatch {
  readonly #store: Store
  readonly #clock: Clock
  readonly #waiting = new Map<TaskId, Set<Waiter>>()
  #pollMs = shortestPollMs
  #polling = false
  #nudge = new AbortController()
  #closed = false

  constructor(store: Store, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  /**
   * @param signal ends the wait; its reason is thrown
   * @throws TaskNotFoundError when there is no such task
   */
  finished(id: TaskId, signal?: AbortSignal): Promise<Task> {
    return new Promise<Task>((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      if (this.#closed) return reject(closedWhileWaiting())
      const waiters = this.#waiting.get(id) ?? new Set()
      this.#waiting.set(id, waiters)
      const settle = () => {
        signal?.removeEventListener('abort', abort)
        waiters.delete(waiter)
        if (waiters.size === 0 && this.#waiting.get(id) === waiters) this.#waiting.delete(id)
      }
      const abort = () => waiter.reject(signal?.reason)
      const waiter: Waiter = {
        resolve: (task) => (settle(), resolve(task)),
        reject: (error) => (settle(), reject(error)),
      }
      waiters.add(waiter)
      signal?.addEventListener('abort', abort, { once: true })
      this.#pollSoon()
    })
  }

  /** Ends every wait with an error. */
  close(): void {
    this.#closed = true
    this.#nudge.abort()
    this.#rejectAll(closedWhileWaiting())
  }

  #pollSoon(): void {
    // A new wait may end soon, whatever the others do.
    this.#pollMs = shortestPollMs
    this.#nudge.abort()
    this.#nudge = new AbortController()
    if (!this.#polling) void this.#poll()
  }

  async #poll(): Promise<void> {
    this.#polling = true
    while (this.#waiting.size > 0 && !this.#closed) {
      const asked = [...this.#waiting.keys()]
      try {
        this.#settle(asked, await this.#store.find(asked))
      } catch (error) {
        // An outage ends, and the tasks go on meanwhile; whoever can't wait has set a timeout.
        if (!(error instanceof StoreUnavailableError)) this.#rejectAll(error)
      }
      // What was settled may begin new waits before this goes on; they are seen by the loop.
      if (this.#waiting.size > 0) await this.#clock.sleep(this.#pollMs, this.#nudge.signal)
      this.#pollMs = Math.min(this.#pollMs * 1.5, longestPollMs)
    }
    this.#polling = false
  }

  #settle(asked: readonly TaskId[], tasks: readonly Task[]): void {
    const found = new Map(tasks.map((task) => [task.id, task]))
    for (const id of asked) {
      const task = found.get(id)
      for (const waiter of this.#waiting.get(id) ?? []) {
        if (task === undefined) waiter.reject(new TaskNotFoundError(id))
        else if (isFinal(task.state)) waiter.resolve(task)
      }
    }
  }

  #rejectAll(error: unknown): void {
    for (const waiters of this.#waiting.values()) for (const w of waiters) w.reject(error)
  }
}
