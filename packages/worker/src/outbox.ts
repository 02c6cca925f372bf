import { storableText } from '@tasking/core'
import type { Completion, TaskId, TurnResult } from '@tasking/core'

const parkedRetryMs = 5_000
const unsettledRetryMs = 20

/** What came of the ends that were sent. */
export interface Taken {
  readonly stored: readonly TaskId[]
  readonly lost: readonly TaskId[]
}

/**
 * The ends of tasks on their way to the store. One stays until the store has answered to it. When
 * the store refuses a turn for another reason than being away, the outbox finds out whose fault it
 * is, so that neither an end that can't be stored holds up the others, nor a store in trouble makes
 * tasks fail: it sends nothing until a turn gets through, then one at a time; an end that is
 * refused alone, while an empty turn gets through, is to blame. It is replaced by a failure that
 * says so, and if that is refused too, it is put aside and tried again now and then.
 */
export class Outbox {
  #waiting: Completion[] = []
  /** Those that were sent and not answered to yet. */
  readonly #underWay = new Set<Completion>()
  /** Those whose tasks somebody else's transaction held, such as their handlers' own. */
  #unsettled: Completion[] = []
  #unsettledAt = Infinity
  readonly #parked = new Map<Completion, number>()
  /** Their end may have been stored by a turn whose answer was lost. */
  readonly #unanswered = new Set<TaskId>()
  readonly #replaced = new Set<TaskId>()
  #mode: 'all' | 'none' | 'one' = 'all'
  #suspect: Completion | undefined

  add(completion: Completion): void {
    this.#waiting.push(completion)
  }

  /** The tasks whose ends are in here. */
  get ids(): TaskId[] {
    const sent = [...this.#underWay, ...this.#unsettled]
    return [...this.#waiting, ...sent, ...this.#parked.keys()].map(({ id }) => id)
  }

  /** How many wait to be sent. */
  get size(): number {
    return this.#waiting.length
  }

  /** When a turn is due for its sake; `Infinity` for never. */
  get dueAt(): number {
    return this.#waiting.length > 0 ? 0 : this.#unsettledAt
  }

  /** Whether it is looking for the one to blame: then a turn does nothing else. */
  get isProbing(): boolean {
    return this.#mode !== 'all'
  }

  /** Whether the next turn must have no other one beside it, or what that one says would be misread. */
  isAlone(now: number): boolean {
    return this.isProbing || [...this.#parked.values()].some((until) => until <= now)
  }

  /** What to send with the next turn: it is not sent with another one unless this one fails. */
  next(now: number, most = Infinity): readonly Completion[] {
    for (const [completion, until] of this.#parked) {
      if (until > now || this.#underWay.size > 0) continue
      this.#parked.delete(completion)
      this.#waiting.push(completion)
      this.#mode = 'one'
    }
    if (this.#unsettledAt <= now) {
      this.#waiting.push(...this.#unsettled)
      this.#unsettled = []
      this.#unsettledAt = Infinity
    }
    const counts = { none: 0, one: 1, all: Math.min(most, this.#waiting.length) }
    const sent = this.#waiting.splice(0, counts[this.#mode])
    for (const completion of sent) this.#underWay.add(completion)
    return sent
  }

  /**
   * The store took the turn.
   * @returns those whose end is stored now, and those that are not this worker's any more; what is
   *   in neither stays
   */
  taken(
    sent: readonly Completion[],
    { refused, unsettled }: Pick<TurnResult, 'refused' | 'unsettled'>,
    now: number,
  ): Taken {
    for (const completion of sent) this.#underWay.delete(completion)
    this.#unsettled.push(...sent.filter(({ id }) => unsettled.includes(id)))
    // Not put off by what comes later, so that a busy worker asks again in time, too.
    const retryAt = this.#unsettled.length > 0 ? now + unsettledRetryMs : Infinity
    this.#unsettledAt = Math.min(this.#unsettledAt, retryAt)
    if (this.#mode === 'none') this.#convict(now)
    this.#mode = this.#mode === 'all' || this.#waiting.length === 0 ? 'all' : 'one'
    const stored: TaskId[] = []
    const lost: TaskId[] = []
    for (const { id } of sent) {
      if (unsettled.includes(id)) continue
      const before = this.#unanswered.delete(id)
      this.#replaced.delete(id)
      if (before || !refused.includes(id)) stored.push(id)
      else lost.push(id)
    }
    return { stored, lost }
  }

  /** The store did not answer: the turn may have been carried out or not. */
  unanswered(sent: readonly Completion[]): void {
    for (const { id } of sent) this.#unanswered.add(id)
    this.#putBack(sent)
  }

  /** The store answered with an error. */
  refused(sent: readonly Completion[], error: unknown): void {
    const [first] = sent
    if (first === undefined) return
    this.#putBack(sent)
    if (this.#mode === 'one')
      this.#suspect = this.#replaced.has(first.id) ? first : failure(first, error)
    this.#mode = 'none'
  }

  #putBack(sent: readonly Completion[]): void {
    // What has been taken is there to stay, whatever went wrong after that.
    this.#waiting.unshift(...sent.filter((completion) => this.#underWay.delete(completion)))
  }

  // An empty turn got through, so what was refused alone is to blame.
  #convict(now: number): void {
    const suspect = this.#suspect
    this.#suspect = undefined
    if (suspect === undefined) return
    this.#waiting = this.#waiting.filter(({ id }) => id !== suspect.id)
    if (this.#replaced.has(suspect.id)) {
      this.#parked.set(suspect, now + parkedRetryMs)
    } else {
      this.#replaced.add(suspect.id)
      this.#waiting.push(suspect)
    }
  }
}

function failure({ state, ...completion }: Completion, error: unknown): Completion {
  const reason = storableText(error instanceof Error ? error.message : String(error))
  const { id, fencingToken, inTransaction } = completion
  return {
    id,
    fencingToken,
    ...(inTransaction && { inTransaction }),
    state: 'failed',
    error: {
      name: 'ResultNotStoredError',
      code: 'result_not_stored',
      message: `The task ended as ${state}, but the store refused that: ${reason}`,
    },
  }
}
