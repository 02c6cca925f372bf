import { uniformInt } from 'pure-rand/distribution/uniformInt'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import { normalizeResources } from '@tasking/core'
import type { CountedRequest, Resources } from '@tasking/core'
import type { PlannedTask } from './dispatch-ledger.ts'

const hotResources = 4
const coldResources = 500
// All must say the same of a resource.
const unitsOfEach = 5

/** A task with how long it works and how urgent it is. */
export interface MixedTask extends PlannedTask {
  readonly durationMs: number
  readonly priority: number
}

/** How some tasks come into the store. */
export interface MixedDispatch {
  readonly tasks: readonly MixedTask[]
  /** Within a transaction that stays open for a while, and perhaps is rolled back. */
  readonly transaction: { readonly openMs: number; readonly rollBack: boolean } | undefined
}

/** What one dispatcher does: made up, and the same for the same seed. */
export class Mix {
  readonly #random
  readonly #step: number
  #next: number

  /** @param first the index of the first task, and `step` the distance to the next one */
  constructor(seed: number, first: number, step: number) {
    this.#random = xoroshiro128plus(seed + first)
    this.#next = first
    this.#step = step
  }

  next(): MixedDispatch {
    const kind = this.#below(10)
    if (kind < 6) return { tasks: this.#tasks(1), transaction: undefined }
    if (kind < 8) return { tasks: this.#tasks(2 + this.#below(19)), transaction: undefined }
    const openMs = this.#below(4) === 0 ? this.#below(400) : this.#below(40)
    const transaction = { openMs, rollBack: this.#below(4) === 0 }
    return { tasks: this.#tasks(1 + this.#below(3)), transaction }
  }

  #tasks(count: number): MixedTask[] {
    return Array.from({ length: count }, () => this.#task())
  }

  #task(): MixedTask {
    const index = this.#next
    this.#next += this.#step
    return {
      index,
      resources: this.#resources(),
      durationMs: this.#below(20) === 0 ? this.#below(200) : this.#below(8),
      priority: this.#below(3),
    }
  }

  #resources(): Resources {
    const exclusive: string[] = []
    const shared: string[] = []
    const counted: CountedRequest[] = []
    const names = new Set(Array.from({ length: this.#below(4) }, () => this.#resource()))
    for (const resource of names) {
      const mode = this.#below(3)
      if (mode === 0) exclusive.push(resource)
      else if (mode === 1) shared.push(resource)
      else counted.push({ resource, amount: 1 + this.#below(3), capacity: unitsOfEach })
    }
    return normalizeResources({ exclusive, shared, counted })
  }

  #resource(): string {
    return this.#below(6) === 0
      ? `hot:${this.#below(hotResources)}`
      : `cold:${this.#below(coldResources)}`
  }

  #below(end: number): number {
    return uniformInt(this.#random, 0, end - 1)
  }
}
