import type { Completion, TaskError } from '@tasking/core'
import type { ChildChannel, ChildEnd } from './child-channel.ts'
import { HandlerCrashedError, IsolationError, wayOf } from './child-error.ts'
import type { ChildSetUp, FromChild, LogLine, RunOrder } from './child-message.ts'
import type { OnProgress } from './handler-run.ts'
import { toAbortMessage } from './task-abort.ts'
import type { TaskAbort } from './task-abort.ts'

/** How a run ended; without `began`, the handler was never called. */
type RunEnd =
  | { readonly completion: Completion }
  | { readonly began: boolean; readonly error: HandlerCrashedError }

type Opened = Extract<FromChild, { readonly kind: 'ready' | 'broken' }>

/** Told of a run while it goes on. */
export interface RunListener {
  /** The handler starts. */
  readonly onBegin: () => void
  readonly onProgress: OnProgress
}

interface CurrentRun extends RunListener {
  readonly resolve: (completion: Completion) => void
}

/**
 * A thread or a process that runs one handler at a time, as its worker sees it. It is opened once,
 * runs any number of handlers, and leaves or is killed.
 */
export class Child {
  readonly #channel: ChildChannel
  readonly #onLog: (line: LogLine) => void
  #current: CurrentRun | undefined
  #uncaught: TaskError | undefined
  #usable = true
  #opened: (outcome: Opened) => void = () => undefined

  constructor(channel: ChildChannel, onLog: (line: LogLine) => void) {
    this.#channel = channel
    this.#onLog = onLog
    channel.onMessage = (message) => this.#hear(message)
    void channel.ended.then(() => (this.#usable = false))
  }

  get isolation(): 'thread' | 'process' {
    return this.#channel.isolation
  }

  /** False from its end, or from its killing on. */
  get isUsable(): boolean {
    return this.#usable
  }

  /** How it ended, in words that follow "the process". */
  wayOf(end: ChildEnd): string {
    return wayOf(end, this.#uncaught)
  }

  get ended(): Promise<ChildEnd> {
    return this.#channel.ended
  }

  /**
   * Loads its definitions and its store.
   * @returns the names of the tasks that it knows
   * @throws IsolationError
   */
  async open(setUp: ChildSetUp): Promise<readonly string[]> {
    const outcome = new Promise<Opened>((resolve) => (this.#opened = resolve))
    this.#channel.send({ kind: 'open', setUp })
    const first = await Promise.race([outcome, this.ended])
    if (!('kind' in first)) throw new IsolationError(this.isolation, `it ${this.wayOf(first)}.`)
    if (first.kind === 'ready') return first.taskNames
    const { name, message } = first.error
    throw new IsolationError(this.isolation, `${name}: ${message}`, { cause: first.error })
  }

  /** Runs a handler to its end, or to the child's. */
  async run(order: RunOrder, { onBegin, onProgress }: RunListener): Promise<RunEnd> {
    let began = false
    const completed = new Promise<Completion>((resolve) => {
      const begin = () => {
        began = true
        onBegin()
      }
      this.#current = { onBegin: begin, onProgress, resolve }
    })
    this.#channel.send({ kind: 'run', order })
    const end = await Promise.race([completed, this.ended])
    this.#current = undefined
    if ('id' in end) return { completion: end }
    return { began, error: new HandlerCrashedError(this.isolation, end, this.#uncaught) }
  }

  abort(taskId: string, reason: TaskAbort): void {
    this.#channel.send({ kind: 'abort', taskId, reason: toAbortMessage(reason) })
  }

  renew(ms: number): void {
    this.#channel.renew?.(ms)
  }

  /** Asks it to close its store and end. */
  leave(): void {
    this.#channel.send({ kind: 'leave' })
  }

  kill(): void {
    this.#usable = false
    this.#channel.kill()
  }

  #hear(message: FromChild): void {
    switch (message.kind) {
      case 'ready':
      case 'broken':
        return this.#opened(message)
      case 'began':
        return this.#current?.onBegin()
      case 'progress':
        return this.#current?.onProgress(message.reports)
      case 'log':
        return this.#onLog(message.line)
      case 'ended':
        return this.#current?.resolve(message.completion)
      case 'uncaught':
        this.#uncaught = message.error
    }
  }
}
