import type { ClaimedTask, Completion, Logger, WorkerId } from '@tasking/core'
import type { Child } from './child.ts'
import type { ChildPool } from './child-pool.ts'
import type { Execution } from './execution.ts'
import { orphanEnd, threw } from './handler-end.ts'
import type { Ending } from './handler-end.ts'
import type { OnProgress } from './handler-run.ts'
import type { TaskAbort } from './task-abort.ts'
import { createWorkingDirectory } from './working-directory.ts'
import type { WorkingDirectory } from './working-directory.ts'

// A child may die between two handlers, unnoticed; one after the other is another matter.
const mostAttempts = 3

/** A handler in a thread or a process. Its crash is the end of its task, and of nothing else. */
export class IsolatedRun implements Execution {
  readonly #task: ClaimedTask
  readonly #ending: Ending
  readonly #workerId: WorkerId
  readonly #isolation: 'thread' | 'process'
  readonly #pool: ChildPool
  readonly #logger: Logger
  readonly #onProgress: OnProgress
  readonly #stop = new AbortController()
  #child: Child | undefined
  #killed = false

  constructor(
    ending: Ending & { readonly task: ClaimedTask },
    workerId: WorkerId,
    isolation: 'thread' | 'process',
    pool: ChildPool,
    onProgress: OnProgress = () => undefined,
  ) {
    this.#task = ending.task
    this.#ending = ending
    this.#workerId = workerId
    this.#isolation = isolation
    this.#pool = pool
    this.#logger = ending.log
    this.#onProgress = onProgress
  }

  async run(onBegin: () => void): Promise<Completion> {
    try {
      for (let attempt = 1; ; attempt += 1) {
        const completion = await this.#attempt(onBegin, attempt === mostAttempts)
        if (completion !== undefined) return completion
      }
    } catch (error) {
      return this.#failed(error)
    }
  }

  abort(reason: TaskAbort): void {
    this.#stop.abort(reason)
    this.#child?.abort(this.#task.id, reason)
  }

  kill(): void {
    this.#killed = true
    this.#child?.kill()
  }

  get #reason(): TaskAbort | undefined {
    // `abort` gives no other.
    return this.#stop.signal.reason as TaskAbort | undefined
  }

  // A clean-up has its time also where that of the handler is over, until it is killed.
  get #mustNotBegin(): boolean {
    return this.#task.orphan === undefined ? this.#stop.signal.aborted : this.#killed
  }

  // Nobody was there to clean up; the store knows whether there is anything.
  #orphaned(completion: Completion): Completion {
    if (this.#task.orphan || !this.#ending.definition?.cleanUp) return completion
    if (completion.state !== 'failed' && completion.state !== 'canceled') return completion
    return { ...completion, state: 'orphan' }
  }

  #failed(thrown: unknown): Completion {
    const { orphan } = this.#task
    return orphan ? orphanEnd(this.#task, orphan) : threw(this.#ending, thrown, this.#reason)
  }

  /** @returns `undefined` where the handler has not begun and may begin elsewhere */
  async #attempt(onBegin: () => void, last: boolean): Promise<Completion | undefined> {
    const child = await this.#take()
    if (child === undefined) return this.#failed(this.#reason)
    try {
      return await this.#runIn(child, onBegin, last)
    } finally {
      this.#child = undefined
      this.#pool.release(child)
    }
  }

  /** @returns `undefined` when the task is to stop before there is a child for it */
  async #take(): Promise<Child | undefined> {
    const taking = this.#pool.take(this.#isolation)
    const stopped = new Promise<undefined>((resolve) => {
      const { signal } = this.#stop
      const stop = () => this.#mustNotBegin && resolve(undefined)
      stop()
      signal.addEventListener('abort', stop, { once: true })
    })
    this.#child = await Promise.race([taking, stopped])
    if (this.#child !== undefined) return this.#child
    // It comes for somebody else.
    taking.then(
      (child) => this.#pool.release(child),
      () => undefined,
    )
    return undefined
  }

  async #runIn(child: Child, onBegin: () => void, last: boolean): Promise<Completion | undefined> {
    const task = this.#task
    const directory = this.#isolation === 'process' ? await createWorkingDirectory() : undefined
    try {
      // What is aborted before it begins doesn't begin, so no abort comes before its handler.
      if (this.#mustNotBegin) return this.#failed(this.#reason)
      const workerId = this.#workerId
      const order = { task, workerId, ...(directory && { directory: directory.path }) }
      const end = await child.run(order, { onBegin, onProgress: this.#onProgress })
      if ('completion' in end) return end.completion
      if (!end.began && !this.#stop.signal.aborted && !last) return undefined
      const thrown = this.#killed ? this.#reason : end.error
      const completion = this.#failed(thrown)
      // It may have completed its task in a transaction; only the store can tell.
      return { ...this.#orphaned(completion), inTransaction: true }
    } finally {
      await this.#remove(directory)
    }
  }

  async #remove(directory: WorkingDirectory | undefined): Promise<void> {
    try {
      await directory?.[Symbol.asyncDispose]()
    } catch (err) {
      this.#logger.warn({ err, directory: directory?.path }, 'a working directory is left over')
    }
  }
}
