import type { Clock, WorkerId } from '@tasking/core'

/** Where the last claimed task of a name stood in the index: its negated priority, and its position. */
type Floor = readonly [rank: number, position: number]

/** For each queue and name, where a claim is to begin: as entries, since a name may be any text. */
export type Floors = readonly (readonly [queue: string, name: string, floor: Floor])[]

/** What the SQL function `turn` says of its claim. */
export interface ClaimReport {
  readonly lookMs: number
  readonly floors: Floors
  /** Whether it claimed as many as it was asked to, and so may have left some. */
  readonly isFull: boolean
}

// A look from the front that takes longer than this had to pass much that is long claimed.
const slowMs = 2
// Slow looks from the front, of all workers together, may take this share of one processor's time.
const shareOfTime = 1 / 50
// However many workers there are: what comes to stand before a floor is not to wait for longer.
const longestWaitMs = 60_000

interface Front {
  readonly floors: Floors
  readonly wholeLookAt: number
}

/**
 * Where the claims of workers go on in the index, while it can't be cleaned up because somebody
 * keeps an old snapshot: to pass what is left there of claimed tasks would cost each claim more and
 * more. What comes to stand before is found by a look from the front, which the workers of a fleet
 * share between them; as long as looks are quick, each is one.
 */
export class ClaimFloors {
  readonly #clock: Clock
  readonly #fronts = new Map<WorkerId, Front>()
  /** How many workers share the database. */
  fleet = 1

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Where the next claim begins; undefined for the front. */
  next(worker: WorkerId): Floors | undefined {
    const front = this.#fronts.get(worker)
    return front && this.#now() < front.wholeLookAt ? front.floors : undefined
  }

  /** Learns from a claim that began at `floors`. */
  learn(worker: WorkerId, floors: Floors | undefined, report: ClaimReport): void {
    const before = this.#fronts.get(worker)
    if (floors !== undefined) {
      // Another turn of this worker may have looked from the front meanwhile, and found more there.
      if (before === undefined || before.floors !== floors) return
      this.#fronts.set(worker, { ...before, floors: highest(floors, report.floors) })
      return
    }
    if (report.lookMs <= slowMs) {
      this.#fronts.delete(worker)
      return
    }
    this.#fronts.set(worker, {
      // What it claimed may have stood far before, with more of the kind behind it.
      floors: report.isFull ? report.floors : highest(before?.floors ?? [], report.floors),
      wholeLookAt: this.#now() + this.#waitMs(report.lookMs),
    })
  }

  forget(worker: WorkerId): void {
    this.#fronts.delete(worker)
  }

  #waitMs(lookMs: number): number {
    return Math.min((lookMs / shareOfTime) * this.fleet, longestWaitMs)
  }

  #now(): number {
    return this.#clock.now().getTime()
  }
}

function highest(these: Floors, those: Floors): Floors {
  const entries = new Map<string, Floors[number]>()
  for (const entry of [...these, ...those]) {
    const [queue, name, floor] = entry
    const key = JSON.stringify([queue, name])
    const known = entries.get(key)
    if (known === undefined || isHigher(floor, known[2])) entries.set(key, entry)
  }
  return [...entries.values()]
}

function isHigher([rank, position]: Floor, [otherRank, otherPosition]: Floor): boolean {
  return rank === otherRank ? position > otherPosition : rank > otherRank
}
