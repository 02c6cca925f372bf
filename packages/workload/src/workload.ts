import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import { uniformInt } from 'pure-rand/distribution/uniformInt'
import { normalizeResources } from '@tasking/core'
import type { Resources } from '@tasking/core'

/** A made-up task: what it reserves, and how long it works. */
export interface WorkItem {
  readonly index: number
  readonly resources: Resources
  readonly durationMs: number
}

/** The seed's workload of 2021 by default: 256 tasks with 2 of 128 resources, 0.5 s each. */
export interface WorkloadOptions {
  readonly tasks: number
  /** How many resources there are to choose from. */
  readonly resources: number
  /** How many different ones each task reserves. */
  readonly resourcesPerTask: number
  /** The probability that a reservation is a shared one, from 0 to 1. */
  readonly sharedRatio: number
  readonly durationMs: number
  /** The same seed gives the same workload. */
  readonly seed: number
}

export function makeWorkload(options: WorkloadOptions): WorkItem[] {
  const { tasks, resources, resourcesPerTask, sharedRatio, durationMs, seed } = options
  const random = xoroshiro128plus(seed)
  const below = (end: number) => uniformInt(random, 0, end - 1)
  return Array.from({ length: tasks }, (_, index) => {
    const chosen = new Set<number>()
    while (chosen.size < Math.min(resourcesPerTask, resources)) chosen.add(below(resources))
    const exclusive: string[] = []
    const shared: string[] = []
    for (const number of chosen) {
      const isShared = below(1_000_000) < sharedRatio * 1_000_000
      ;(isShared ? shared : exclusive).push(`resource:${number}`)
    }
    return { index, resources: normalizeResources({ exclusive, shared }), durationMs }
  })
}
