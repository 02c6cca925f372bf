import { checkedCreation } from '@tasking/core'
import type {
  AnyTaskDefinition,
  ClaimedTask,
  CreationState,
  Store,
  TaskContext,
  TaskError,
  WorkerId,
} from '@tasking/core'

/** What a handler has created, and what is done about it when its task doesn't complete. */
export class Creations {
  readonly #task: ClaimedTask
  readonly #workerId: WorkerId
  readonly #store: Store
  readonly #incomplete = new Set<string>()

  constructor(task: ClaimedTask, workerId: WorkerId, store: Store) {
    this.#task = task
    this.#workerId = workerId
    this.#store = store
  }

  /** @throws InvalidOptionError, TaskLostError */
  async record(resource: string, complete: boolean): Promise<void> {
    await this.#write([checkedCreation(resource)], complete ? 'complete' : 'incomplete')
    if (complete) this.#incomplete.delete(resource)
    else this.#incomplete.add(resource)
  }

  /** Learns of what earlier attempts have left, whose process may have died. */
  async recall(): Promise<void> {
    for (const { resource, state } of await this.#store.created(this.#task.id)) {
      if (state === 'incomplete') this.#incomplete.add(resource)
    }
  }

  /**
   * Has the definition clean up what is incomplete. A failure is told to the log alone: the task
   * ends as it would, and what is left stays recorded.
   */
  async cleanUp(
    { cleanUp }: AnyTaskDefinition,
    input: unknown,
    error: TaskError | null,
    context: TaskContext,
  ): Promise<void> {
    const created = [...this.#incomplete]
    if (cleanUp === undefined || created.length === 0) return
    try {
      // That of the handler may have aborted already. The definition's own schema made the input.
      const { signal } = new AbortController()
      await cleanUp({ input: input as never, created, error }, { ...context, signal })
      await this.#write(created, 'removed')
      this.#incomplete.clear()
    } catch (err) {
      context.log.error({ err, created }, 'the clean-up of what a handler created failed')
    }
  }

  #write(resources: readonly string[], state: CreationState): Promise<void> {
    const { id, fencingToken } = this.#task
    return this.#store.recordCreation({
      ...{ id, workerId: this.#workerId, fencingToken, resources, state },
    })
  }
}
