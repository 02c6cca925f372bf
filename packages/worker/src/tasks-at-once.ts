import type { ClaimedTask, DispatchedTask, NewTask, TaskId } from '@tasking/core'

/**
 * The tasks that this worker dispatches to run them at once, from before the dispatch until the store
 * has their ends. From before, since what a worker owns without knowing of it is handed over once
 * more, after an answer that was lost: then it would run twice.
 */
export class TasksAtOnce {
  readonly #ends = new Map<TaskId, () => void>()
  #handOver: Promise<unknown> | undefined

  get ids(): TaskId[] {
    return [...this.#ends.keys()]
  }

  get isEmpty(): boolean {
    return this.#ends.size === 0
  }

  /** @param start called where the store has given the task to this worker */
  async run(
    task: NewTask,
    dispatch: () => Promise<DispatchedTask>,
    start: (claimed: ClaimedTask) => void,
  ): Promise<DispatchedTask> {
    const ended = new Promise<void>((resolve) => this.#ends.set(task.id, resolve))
    try {
      // One under way was asked for before this task was known.
      while (this.#handOver !== undefined) await this.#handOver
      const dispatched = await dispatch()
      const { fencingToken } = dispatched
      if (fencingToken === undefined) return dispatched
      start(claimedTask(task, fencingToken))
      await ended
      return dispatched
    } finally {
      this.#ends.delete(task.id)
    }
  }

  /** Holds up dispatches while the store is asked for what this worker owns and doesn't know of. */
  async during<T>(handOver: Promise<T>): Promise<T> {
    const over = handOver.catch(() => undefined)
    this.#handOver = over
    try {
      return await handOver
    } finally {
      this.#handOver = undefined
    }
  }

  /** The store has its end, or doesn't want it. */
  end(id: TaskId): void {
    this.#ends.get(id)?.()
  }

  /** None of them counts any more. */
  giveUp(): void {
    for (const end of this.#ends.values()) end()
  }
}

function claimedTask(task: NewTask, fencingToken: bigint): ClaimedTask {
  const { id, name, input, resources, queue, options } = task
  const { parentId = null, groupId = null, correlationId = null } = task
  return {
    ...{ id, name, input, resources, queue, parentId, groupId, correlationId, fencingToken },
    attempt: 1,
    ...(options && { options }),
  }
}
