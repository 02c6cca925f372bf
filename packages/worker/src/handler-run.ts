import {
  HandlerNotAsyncError,
  InvalidOptionError,
  maxProgressCodes,
  parseInput,
  progressState,
  throughJson,
  withCorrelationId,
} from '@tasking/core'
import type {
  ClaimedTask,
  Completion,
  Logger,
  Orphan,
  ProgressState,
  ProgressUpdate,
  TaskContext,
  TaskError,
  Tasking,
  WorkerId,
} from '@tasking/core'
import { Creations } from './creations.ts'
import { orphanEnd, returned, threw } from './handler-end.ts'
import { TaskAbort } from './task-abort.ts'

/** Told of the latest reports of a handler. */
export type OnProgress = (reports: readonly ProgressState[]) => void

/** What a handler's run needs of the world. */
export interface HandlerSurroundings {
  /** Gets every report of the handler, and none after its end. */
  readonly onProgress?: OnProgress
  /** From 0 to less than 1: spreads the attempts of tasks that are tried again. */
  readonly random: () => number
}

/** A handler on this event loop, be it a worker's, a thread's or a process's. */
export class HandlerRun {
  readonly task: ClaimedTask
  readonly #workerId: WorkerId
  readonly #surroundings: HandlerSurroundings
  readonly #abort = new AbortController()
  #inTransaction = false
  #thrown: unknown
  readonly #codes = new Set<string>()
  #ended = false

  constructor(task: ClaimedTask, workerId: WorkerId, surroundings: HandlerSurroundings) {
    this.task = task
    this.#workerId = workerId
    this.#surroundings = surroundings
  }

  /** Asks the handler to stop. The first reason stands. */
  abort(reason: TaskAbort): void {
    if (!this.#abort.signal.aborted) this.#abort.abort(reason)
  }

  /** What the handler threw, as it was; what is kept of it is in the completion. */
  get thrown(): unknown {
    return this.#thrown
  }

  /**
   * Runs the handler to its end, whatever it throws.
   * @param log the task's own
   */
  async run(tasking: Tasking, log: Logger): Promise<Completion> {
    // Also without one, since the worker itself may have been started under another.
    const { correlationId, orphan } = this.task
    const completion = await withCorrelationId(correlationId ?? undefined, () =>
      orphan === undefined ? this.#end(tasking, log) : this.#cleanUpAfter(orphan, tasking, log),
    )
    this.#ended = true
    return this.#inTransaction ? { ...completion, inTransaction: true } : completion
  }

  async #end(tasking: Tasking, log: Logger): Promise<Completion> {
    const { task } = this
    const { signal } = this.#abort
    const ending = {
      ...{ task, log, random: this.#surroundings.random },
      definition: tasking.definitions.get(task.name),
    }
    let cleanUp = async (_error: TaskError | null) => {}
    try {
      const definition = tasking.definition(task.name)
      const input = await parseInput(definition, await tasking.openInput(task))
      const creations = new Creations(task, this.#workerId, tasking.store)
      const context = this.#context(tasking, log, creations)
      cleanUp = async (error) => {
        // It may have completed its task in a transaction of its own.
        if (!this.#inTransaction) await creations.cleanUp(definition, input, error, context)
      }
      if (task.attempt > 1 && definition.cleanUp !== undefined) {
        await creations.recall()
        await cleanUp(null)
      }
      // What is aborted before it begins doesn't begin.
      signal.throwIfAborted()
      // The definition's own schema made it.
      const run = definition.run(input as never, context)
      if (definition.immediate && !isPromise(run)) throw new HandlerNotAsyncError(task.name)
      const value: unknown = await run
      const result = throughJson(value, `result of "${task.name}"`)
      const completion = returned(ending, result, signal.reason)
      if ('error' in completion) await cleanUp(completion.error)
      // The store cancels it although it has returned; after any other abort it is completed.
      else if (isCancel(signal.reason)) await cleanUp(null)
      return completion
    } catch (thrown) {
      this.#thrown = thrown
      const completion = threw(ending, thrown, signal.reason)
      await cleanUp('error' in completion ? completion.error : null)
      return completion
    }
  }

  // The handler is not called, and nothing that comes of this changes how the task ends.
  async #cleanUpAfter(orphan: Orphan, tasking: Tasking, log: Logger): Promise<Completion> {
    const { task } = this
    const end = orphanEnd(task, orphan)
    const creations = new Creations(task, this.#workerId, tasking.store)
    const context = this.#context(tasking, log, creations)
    try {
      const definition = tasking.definition(task.name)
      const input = await parseInput(definition, await tasking.openInput(task))
      await creations.recall()
      log.info({ endsAs: orphan.endsAs }, 'cleaning up what a lost attempt has left')
      await creations.cleanUp(definition, input, 'error' in end ? end.error : null, context)
    } catch (err) {
      log.error({ err }, 'what a lost attempt has left could not be cleaned up')
    }
    return end
  }

  #progress(update: ProgressUpdate): void {
    const report = progressState(update)
    if (this.#ended) return
    this.#codes.add(report.code)
    if (this.#codes.size > maxProgressCodes) {
      const expected = `one of the first ${maxProgressCodes} of its task`
      throw new InvalidOptionError('code', report.code, expected)
    }
    this.#surroundings.onProgress?.([report])
  }

  #context(tasking: Tasking, log: Logger, creations: Creations): TaskContext {
    const { id, name, queue, resources, parentId, groupId, correlationId } = this.task
    const { fencingToken, attempt } = this.task
    const workerId = this.#workerId
    return {
      task: { id, name, queue, resources, parentId, groupId, correlationId },
      signal: this.#abort.signal,
      fencingToken,
      attempt,
      log,
      complete: async (tx, value) => {
        const result = throughJson(value, `result of "${name}"`)
        // Said before it is sent: without an answer it may have been carried out.
        this.#inTransaction = true
        const completion = { id, fencingToken, workerId, result }
        // A handler knows its store only as its program does; the store checks what it is given.
        await tasking.store.complete(completion, { tx: tx as never })
      },
      tasking,
      created: (resource, { complete = false } = {}) => creations.record(resource, complete),
      progress: (update) => this.#progress(update),
      dispatch: (definition, ...[input, options]) =>
        // The tuple's two forms are one call: an input that may be left out is undefined.
        Reflect.apply(tasking.dispatch, tasking, [definition, input, { parentId: id, ...options }]),
    }
  }
}

function isCancel(reason: unknown): boolean {
  return reason instanceof TaskAbort && reason.canceled
}

function isPromise(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'then' in value
}
