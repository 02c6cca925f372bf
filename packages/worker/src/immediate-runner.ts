import { WorkerMissingError } from '@tasking/core'
import type {
  DispatchedTask,
  ImmediateRunner,
  NewTask,
  Tasking,
  Versions,
  WorkerId,
} from '@tasking/core'
import { dispatcherSettings } from './options.ts'
import type { ImmediateRunnerOptions, WorkerSettings } from './options.ts'
import { PullingWorker } from './pulling-worker.ts'

/**
 * Runs immediate tasks in the process that dispatches them: the `immediate` option of `createTasking`.
 * After `tasking.start()` it is registered as a dispatcher, sends heartbeats and claims nothing. When
 * it can't beat in time it aborts its handlers, and begins anew as soon as the store answers.
 * @throws InvalidOptionError
 */
export function immediateRunner(
  options: ImmediateRunnerOptions = {},
): (tasking: Tasking) => ImmediateRunner {
  return (tasking) => new InlineRunner(dispatcherSettings(tasking, options))
}

class InlineRunner implements ImmediateRunner {
  readonly #settings: WorkerSettings
  /** The one that is started, or being started. */
  #worker: PullingWorker | undefined
  #running = false

  constructor(settings: WorkerSettings) {
    this.#settings = settings
  }

  get versions(): Versions {
    return this.#settings.versions
  }

  get workerId(): WorkerId | undefined {
    return this.#running ? this.#worker?.id : undefined
  }

  async start(): Promise<void> {
    this.#worker ??= new PullingWorker(this.#settings)
    const worker = this.#worker
    try {
      await worker.start()
    } catch (error) {
      this.#end(worker)
      throw error
    }
    if (this.#worker !== worker || this.#running) return
    this.#running = true
    void this.#replaceWhenMissing(worker)
  }

  async stop(): Promise<void> {
    const worker = this.#worker
    if (worker === undefined) return
    this.#running = false
    this.#worker = undefined
    await worker.stop()
  }

  async run(
    task: NewTask,
    dispatch: (owner: WorkerId) => Promise<DispatchedTask>,
  ): Promise<DispatchedTask> {
    const worker = this.#worker
    if (worker === undefined)
      throw new Error('An immediate runner that was not started runs nothing.')
    return worker.runAtOnce(task, () => dispatch(worker.id))
  }

  // A dispatcher is no process that could end: what it does beside must go on, and then this, too.
  async #replaceWhenMissing(worker: PullingWorker): Promise<void> {
    let current = worker
    for (;;) {
      const error: unknown = await current.ended.catch((reason: unknown) => reason)
      if (this.#worker !== current) return
      if (!(error instanceof WorkerMissingError)) return this.#end(current)
      current = new PullingWorker(this.#settings)
      this.#worker = current
      // It tries until the store answers; what it throws comes with its end.
      void current.start().catch(() => undefined)
    }
  }

  #end(worker: PullingWorker): void {
    if (this.#worker !== worker) return
    this.#running = false
    this.#worker = undefined
  }
}
