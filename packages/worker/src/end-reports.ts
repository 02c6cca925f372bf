import type { Logger, TaskId } from '@tasking/core'
import type { WorkerEvent } from './event.ts'
import type { Taken } from './outbox.ts'

/** Tells of the ends of tasks once the store has answered to them. */
export class EndReports {
  readonly #onEvent: (event: WorkerEvent) => void
  readonly #logs = new Map<TaskId, Logger>()

  constructor(onEvent: (event: WorkerEvent) => void) {
    this.#onEvent = onEvent
  }

  /** The end of this task is on its way. */
  expect(id: TaskId, log: Logger): void {
    this.#logs.set(id, log)
  }

  tell({ stored, lost }: Taken): void {
    for (const id of stored) this.#onEvent({ kind: 'finished', taskId: id })
    for (const id of lost) {
      this.#logs.get(id)?.warn('the end of a task was refused: it is not ours')
      this.#onEvent({ kind: 'refused', taskId: id })
    }
    for (const id of [...stored, ...lost]) this.#logs.delete(id)
  }
}
