import { conflictsBetween } from '@tasking/core'
import type { Resources } from '@tasking/core'

/** When somebody held resources, on one clock. */
export interface Held {
  readonly index: number
  readonly resources: Resources
  readonly startNs: bigint
  readonly endNs: bigint
}

/** Two tasks that conflict and ran at the same time. */
export interface Overlap {
  readonly first: number
  readonly second: number
  readonly resources: readonly string[]
  readonly byMs: number
}

/** Every pair that should never have run at the same time. Two runs of one task are such a pair. */
export function findOverlaps(all: readonly Held[]): Overlap[] {
  const overlaps: Overlap[] = []
  let current: Held[] = []
  for (const next of all.toSorted((a, b) => (a.startNs < b.startNs ? -1 : 1))) {
    current = current.filter(({ endNs }) => endNs > next.startNs)
    for (const other of current) {
      const resources = conflictsBetween(other.resources, next.resources)
      if (resources.length === 0 && other.index !== next.index) continue
      const end = other.endNs < next.endNs ? other.endNs : next.endNs
      const byMs = Number(end - next.startNs) / 1e6
      overlaps.push({ first: other.index, second: next.index, resources, byMs })
    }
    current.push(next)
  }
  return overlaps
}
