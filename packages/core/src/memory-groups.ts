import type { Clock } from './clock.ts'
import { GroupClosedError, GroupNotFoundError } from './errors.ts'
import { isFinalizer } from './group.ts'
import type { NewTaskGroup, TaskGroupRecord } from './group.ts'
import type { Task, TaskGroupId } from './task.ts'

type MemoryGroup = {
  -readonly [Key in keyof Omit<TaskGroupRecord, 'counts'>]: TaskGroupRecord[Key]
}

/** The groups of a store in memory, in the order of their creation. */
export class MemoryGroups {
  readonly #clock: Clock
  #groups = new Map<TaskGroupId, MemoryGroup>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get all(): MemoryGroup[] {
    return [...this.#groups.values()]
  }

  create({ id, description }: NewTaskGroup): void {
    if (this.#groups.has(id)) return
    const createdAt = this.#clock.now()
    const rest = { createdAt, closedAt: null, finalizerId: null }
    this.#groups.set(id, { id, description: description ?? null, ...rest })
  }

  /** @throws GroupNotFoundError */
  close(id: TaskGroupId): MemoryGroup {
    const group = this.#groups.get(id)
    if (group === undefined) throw new GroupNotFoundError(id)
    group.closedAt ??= this.#clock.now()
    return group
  }

  /** Lets a task of a group in, if it is of one. @throws GroupNotFoundError, GroupClosedError */
  enter({ id, groupId, resources }: Pick<Task, 'id' | 'groupId' | 'resources'>): void {
    if (groupId === null) return
    const group = this.#groups.get(groupId)
    if (group === undefined) throw new GroupNotFoundError(groupId)
    const finalizes = isFinalizer(groupId, resources)
    const barred = finalizes ? group.finalizerId !== null : group.closedAt !== null
    if (barred) throw new GroupClosedError(groupId)
    if (!finalizes) return
    group.closedAt ??= this.#clock.now()
    group.finalizerId = id
  }

  /** @returns what brings back how it is now */
  snapshot(): () => void {
    const before = this.all.map((group) => [group.id, { ...group }] as const)
    return () => (this.#groups = new Map(before))
  }
}
