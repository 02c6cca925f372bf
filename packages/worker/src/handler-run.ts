import { parseInput, storableText, TaskingError, throughJson } from '@tasking/core'
import type {
  ClaimedTask,
  Completion,
  Logger,
  TaskContext,
  TaskError,
  Tasking,
  WorkerId,
} from '@tasking/core'

/** Why a handler's signal aborted. */
export class TaskAbort extends TaskingError {
  /** Whether the task ends as canceled; otherwise the handler's end decides, or it fails. */
  readonly canceled: boolean

  constructor(code: 'task_canceled' | 'worker_stopping' | 'worker_missing', message: string) {
    super(code, message)
    this.canceled = code === 'task_canceled'
  }
}

/** A task on its way through this process: its handler, and the means to stop it. */
export class HandlerRun {
  readonly task: ClaimedTask
  readonly #workerId: WorkerId
  readonly #abort = new AbortController()
  #inTransaction = false

  constructor(task: ClaimedTask, workerId: WorkerId) {
    this.task = task
    this.#workerId = workerId
  }

  /** Asks the handler to stop. The first reason stands. */
  abort(reason: TaskAbort): void {
    if (!this.#abort.signal.aborted) this.#abort.abort(reason)
  }

  /** Runs the handler to its end, whatever it throws. */
  async run(tasking: Tasking, logger: Logger): Promise<Completion> {
    const completion = await this.#end(tasking, logger)
    return this.#inTransaction ? { ...completion, inTransaction: true } : completion
  }

  async #end(tasking: Tasking, logger: Logger): Promise<Completion> {
    const { task } = this
    const { id, fencingToken } = task
    try {
      const definition = tasking.definition(task.name)
      const input = await parseInput(definition, task.input)
      // The definition's own schema made it.
      const value: unknown = await definition.run(input as never, this.#context(tasking, logger))
      const result = throughJson(value, `result of "${task.name}"`)
      return { id, fencingToken, state: 'completed', result }
    } catch (thrown) {
      const reason: unknown = this.#abort.signal.reason
      if (reason instanceof TaskAbort && reason.canceled) {
        return { id, fencingToken, state: 'canceled', error: null }
      }
      // A handler that stops when it is told to rarely says why; the reason does.
      const told = reason instanceof TaskAbort && isAbort(thrown, reason)
      return { id, fencingToken, state: 'failed', error: toTaskError(told ? reason : thrown) }
    }
  }

  #context(tasking: Tasking, logger: Logger): TaskContext {
    const { id, name, queue, resources, parentId, fencingToken } = this.task
    return {
      task: { id, name, queue, resources, parentId },
      signal: this.#abort.signal,
      fencingToken,
      log: logger.child({ taskId: id, task: name }),
      complete: async (tx, value) => {
        const result = throughJson(value, `result of "${name}"`)
        // Said before it is sent: without an answer it may have been carried out.
        this.#inTransaction = true
        const completion = { id, fencingToken, workerId: this.#workerId, result }
        // A handler knows its store only as its program does; the store checks what it is given.
        await tasking.store.complete(completion, { tx: tx as never })
      },
      dispatch: (definition, ...[input, options]) =>
        // The tuple's two forms are one call: an input that may be left out is undefined.
        Reflect.apply(tasking.dispatch, tasking, [definition, input, { parentId: id, ...options }]),
    }
  }
}

function isAbort(thrown: unknown, reason: TaskAbort): boolean {
  return thrown === reason || textOf(thrown, 'name') === 'AbortError'
}

// Handlers throw anything, also what can't be read or has no text.
function toTaskError(thrown: unknown): TaskError {
  const name = textOf(thrown, 'name')
  const code = textOf(thrown, 'code')
  const stack = textOf(thrown, 'stack')
  return {
    name: name ?? 'Error',
    message: textOf(thrown, 'message') ?? asText(thrown),
    ...(code !== undefined && { code }),
    ...(stack !== undefined && { stack }),
  }
}

function textOf(thrown: unknown, key: keyof TaskError): string | undefined {
  if (!(thrown instanceof Error)) return undefined
  try {
    const value: unknown = Reflect.get(thrown, key)
    return typeof value === 'string' ? storableText(value) : undefined
  } catch {
    return undefined
  }
}

function asText(thrown: unknown): string {
  try {
    return storableText(String(thrown))
  } catch {
    return `The handler threw an ${typeof thrown} without a text.`
  }
}
