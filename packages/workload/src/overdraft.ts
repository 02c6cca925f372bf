import { reservationsOf } from '@tasking/core'
import type { Held } from './overlap.ts'

/** More units of a resource in use at once than there are, though each two tasks alone would fit. */
export interface Overdraft {
  readonly resource: string
  readonly units: number
  readonly capacity: number
  readonly tasks: readonly number[]
}

interface Use {
  readonly held: Held
  readonly amount: number
  readonly capacity: number
}

/**
 * Every start of a third or further task that took more than was left. What two
 * can't have together is an overlap already.
 */
export function findOverdrafts(all: readonly Held[]): Overdraft[] {
  const overdrafts: Overdraft[] = []
  const usesOf = new Map<string, Use[]>()
  for (const held of all.toSorted((a, b) => (a.startNs < b.startNs ? -1 : 1))) {
    for (const { resource, mode, amount, capacity } of reservationsOf(held.resources)) {
      if (mode !== 'counted') continue
      const before = usesOf.get(resource)?.filter((use) => use.held.endNs > held.startNs) ?? []
      const uses = [...before, { held, amount, capacity }]
      usesOf.set(resource, uses)
      const units = uses.reduce((sum, use) => sum + use.amount, 0)
      const least = Math.min(...uses.map((use) => use.capacity))
      if (uses.length < 3 || units <= least) continue
      const tasks = uses.map((use) => use.held.index)
      overdrafts.push({ resource, units, capacity: least, tasks })
    }
  }
  return overdrafts
}
