import { blockersOf, isFinal } from '../../src/index.ts'
import type { NewTask, Resources, TaskId, TaskState, WorkerId } from '../../src/index.ts'
import type { Observation } from './engine.ts'

const endOfLine = 2n ** 62n

/** A task as the model keeps it. */
export interface Row {
  readonly id: TaskId
  readonly name: string
  readonly resources: Resources
  readonly priority: number
  /** By the model: in the order in which dispatches were answered. */
  readonly position: bigint
  /** By the store; undefined until it was seen. */
  readonly stored?: bigint
  readonly dedupeKey: string | null
  readonly state: TaskState
  /** As it was seen last: whether a task goes on at once or after a look is not for the model. */
  readonly unblocked: boolean
  readonly workerId: WorkerId | null
  readonly token: bigint | null
  /** The store has drawn a new token and told nobody. */
  readonly tokenRenewed: boolean
}

/** What a transaction has done that is still open. */
interface Draft {
  readonly rows: Map<TaskId, Row>
  readonly removedWorkers: Set<WorkerId>
  /** Rows that it may have locked without changing them: it has waited for them in vain. */
  readonly doubtful: Set<TaskId>
  isHousekeeping: boolean
}

type Workers = Map<WorkerId, { readonly expired: boolean }>

/** The pure model of a store: committed tasks and workers, and drafts of open transactions. */
export class Books {
  #rows = new Map<TaskId, Row>()
  #workers: Workers = new Map()
  #drafts = new Map<string, Draft>()
  #lastPosition = 0n
  /** Whether nothing was committed since the store was looked at. */
  isSeen = true

  /** What the client sees: all that is committed, and what it has done itself. */
  view(client: string): View {
    const draft = (): Draft => {
      const known = this.#drafts.get(client)
      if (known !== undefined) return known
      const fresh = newDraft()
      this.#drafts.set(client, fresh)
      return fresh
    }
    const others = () =>
      [...this.#drafts].flatMap(([name, other]) => (name === client ? [] : other))
    const position = () => (this.#lastPosition += 1n)
    return new View(this.#rows, this.#workers, draft, others, position)
  }

  /** What everybody sees. */
  get committed(): readonly Row[] {
    return [...this.#rows.values()]
  }

  register(id: WorkerId, expired = false): void {
    this.#workers.set(id, { expired })
  }

  commit(client: string): void {
    this.isSeen = false
    const draft = this.#drafts.get(client)
    for (const row of draft?.rows.values() ?? []) this.#rows.set(row.id, row)
    for (const id of draft?.removedWorkers ?? []) this.#workers.delete(id)
    this.#drafts.delete(client)
  }

  drop(client: string): void {
    this.#drafts.delete(client)
  }

  /** Takes over what only the store decides: who is unblocked by now, and the numbers it draws. */
  learn({ tasks }: Observation): void {
    this.isSeen = true
    for (const { id, unblocked, position, token } of tasks) {
      const row = this.#rows.get(id)
      if (row === undefined) continue
      this.#rows.set(id, { ...row, unblocked, stored: position, token, tokenRenewed: false })
    }
  }

  /** Rows that the client's open transaction has changed. */
  changedBy(client: string): Row[] {
    return [...(this.#drafts.get(client)?.rows.values() ?? [])]
  }

  removedBy(client: string): WorkerId[] {
    return [...(this.#drafts.get(client)?.removedWorkers ?? [])]
  }

  copy(): Books {
    const copy = new Books()
    copy.#rows = new Map(this.#rows)
    copy.#workers = new Map(this.#workers)
    copy.#drafts = new Map([...this.#drafts].map(([client, draft]) => [client, newDraft(draft)]))
    copy.#lastPosition = this.#lastPosition
    copy.isSeen = this.isSeen
    return copy
  }
}

/** The books as one client sees and changes them. */
export class View {
  readonly #rows: ReadonlyMap<TaskId, Row>
  readonly #workers: Workers
  readonly #draft: () => Draft
  readonly #others: () => readonly Draft[]
  readonly #position: () => bigint

  constructor(
    rows: ReadonlyMap<TaskId, Row>,
    workers: Workers,
    draft: () => Draft,
    others: () => readonly Draft[],
    position: () => bigint,
  ) {
    this.#rows = rows
    this.#workers = workers
    this.#draft = draft
    this.#others = others
    this.#position = position
  }

  get(id: TaskId): Row | undefined {
    return this.#draft().rows.get(id) ?? this.#rows.get(id)
  }

  get rows(): Row[] {
    return [...new Map([...this.#rows, ...this.#draft().rows]).values()]
  }

  get incomplete(): Row[] {
    return this.rows.filter(({ state }) => !isFinal(state))
  }

  /** What would stand before whoever came now. */
  blockers(resources: Resources): Row[] {
    return blockersOf({ position: endOfLine, resources }, this.incomplete)
  }

  ownedBy(workerId: WorkerId): Row[] {
    return this.incomplete.filter((row) => row.workerId === workerId)
  }

  /** Whether another open transaction has changed it. */
  isLocked(id: TaskId): boolean {
    return this.#others().some(({ rows }) => rows.has(id))
  }

  doubt(id: TaskId): void {
    this.#draft().doubtful.add(id)
  }

  isDoubtful(id: TaskId): boolean {
    return this.#others().some(({ doubtful }) => doubtful.has(id))
  }

  write(row: Row): void {
    this.#draft().rows.set(row.id, row)
  }

  add(task: NewTask, state: TaskState, unblocked: boolean): void {
    this.write({
      ...{ id: task.id, name: task.name, resources: task.resources, priority: task.priority },
      ...{ state, unblocked, position: this.#position(), dedupeKey: task.dedupeKey ?? null },
      ...{ workerId: null, token: null, tokenRenewed: false },
    })
  }

  get workers(): WorkerId[] {
    return [...this.#workers.keys()].filter((id) => !this.#draft().removedWorkers.has(id))
  }

  isExpired(id: WorkerId): boolean {
    return this.#workers.get(id)?.expired ?? true
  }

  isBeingRemoved(id: WorkerId): boolean {
    return this.#others().some(({ removedWorkers }) => removedWorkers.has(id))
  }

  removeWorker(id: WorkerId): void {
    this.#draft().removedWorkers.add(id)
  }

  /** @returns whether nobody else is at it */
  startHousekeeping(): boolean {
    if (this.#others().some(({ isHousekeeping }) => isHousekeeping)) return false
    this.#draft().isHousekeeping = true
    return true
  }
}

function newDraft(from?: Draft): Draft {
  return {
    rows: new Map(from?.rows),
    removedWorkers: new Set(from?.removedWorkers),
    doubtful: new Set(from?.doubtful),
    isHousekeeping: from?.isHousekeeping ?? false,
  }
}
