import type { Clock } from './clock.ts'
import type { CreatedResource, CreationRecord } from './creation.ts'
import type { TaskId } from './task.ts'

/** What the tasks of a store in memory have created, in that order. */
export class MemoryCreations {
  readonly #clock: Clock
  readonly #created = new Map<TaskId, Map<string, CreatedResource>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  of(id: TaskId): CreatedResource[] {
    return [...(this.#created.get(id)?.values() ?? [])]
  }

  hasIncomplete(id: TaskId): boolean {
    return this.of(id).some(({ state }) => state === 'incomplete')
  }

  record({ id, resources, state }: CreationRecord): void {
    const known = this.#created.get(id) ?? new Map<string, CreatedResource>()
    this.#created.set(id, known)
    for (const resource of resources) {
      const createdAt = known.get(resource)?.createdAt ?? this.#clock.now()
      known.set(resource, { resource, state, createdAt })
    }
  }

  remove(id: TaskId): void {
    this.#created.delete(id)
  }
}
