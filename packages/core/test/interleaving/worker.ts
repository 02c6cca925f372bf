import type { Completion, Look, TaskId, Turn, TurnResult, WorkerId } from '../../src/index.ts'

/** A task that a worker runs, as far as it knows. */
export interface Run {
  readonly id: TaskId
  readonly fencingToken: bigint
  /** Its handler has tried to complete it in a transaction of its own. */
  inTransaction?: true
}

/** What a worker wants of its next turn. */
export interface Wish {
  readonly slots: number
  readonly ends: readonly (Run & { readonly state: 'completed' | 'failed' })[]
  readonly withLooks: boolean
  /** Completions that come too late, from a handler or a process that should know better. */
  readonly late: readonly Completion[]
}

/** The side of a worker that the store doesn't see: what it runs, owes and keeps for later. */
export class Worker {
  readonly id: WorkerId
  readonly name: string
  alive = true
  looks: readonly Look[] = []
  runs: readonly Run[] = []
  outbox: readonly Completion[] = []
  /** What it was told of once, or would have been if the answer had come. */
  past: readonly Run[] = []
  answerLost = false
  turning: Turn | undefined

  constructor(id: WorkerId, name: string) {
    this.id = id
    this.name = name
  }

  /** Its next turn; there is one at a time. */
  turn({ slots, ends, withLooks, late }: Wish): Turn {
    const ending = ends.map((run) => run.id)
    this.runs = this.runs.filter(({ id }) => !ending.includes(id))
    this.outbox = [...this.outbox, ...ends.map(completion)]
    const known = [...this.runs, ...this.outbox].map(({ id }) => id)
    this.turning = {
      workerId: this.id,
      slots,
      completions: [
        ...this.outbox,
        ...late.filter(({ id }) => !this.outbox.some((o) => o.id === id)),
      ],
      looks: withLooks ? this.looks : [],
      ...(this.answerLost && { known }),
    }
    if (withLooks) this.looks = []
    return this.turning
  }

  answered(turn: Turn, { claimed, looks, unsettled }: TurnResult): void {
    if (this.turning !== turn) return this.#missed(claimed)
    this.turning = undefined
    if (turn.known !== undefined) this.answerLost = false
    const sent = new Set(turn.completions)
    const settled = this.outbox.filter((one) => sent.has(one) && !unsettled.includes(one.id))
    this.outbox = this.outbox.filter((one) => !settled.includes(one))
    this.looks = [...this.looks, ...looks]
    this.runs = [...this.runs, ...claimed.map(({ id, fencingToken }) => ({ id, fencingToken }))]
    this.past = [...this.past, ...settled, ...this.runs]
  }

  /** The turn under way has no answer for it: perhaps it was carried out, perhaps it will yet be. */
  abandon(): void {
    this.looks = [...this.looks, ...(this.turning?.looks ?? [])]
    this.turning = undefined
    this.answerLost = true
  }

  /** By its heartbeat it notices that it owns what it knows nothing of. */
  compare(owned: number): void {
    if (owned > this.runs.length + this.outbox.length) this.answerLost = true
  }

  #missed(claimed: readonly Run[]): void {
    this.past = [...this.past, ...claimed]
  }
}

function completion({ id, fencingToken, inTransaction, state }: Wish['ends'][number]): Completion {
  const own = inTransaction && { inTransaction }
  if (state === 'completed') return { id, fencingToken, ...own, state, result: null }
  return { id, fencingToken, ...own, state, error: { name: 'Error', message: 'on purpose' } }
}
