import { uniformInt } from 'pure-rand/distribution/uniformInt'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import type { PlainTask } from './systems/system.ts'

/** How many resources each task reserves, and out of how many. */
export interface Choice {
  readonly each: number
  readonly of: number
}

export const noResources: Choice = { each: 0, of: 0 }

const batchSize = 1_000
const seed = 1

/** Tasks with different resources by chance; the same ones for every system. */
export function plainTasks(count: number, { each, of }: Choice = noResources): PlainTask[] {
  const random = xoroshiro128plus(seed)
  return Array.from({ length: count }, (_, index) => {
    const chosen = new Set<string>()
    while (chosen.size < each) chosen.add(`resource:${uniformInt(random, 0, of - 1)}`)
    return { index, resources: [...chosen] }
  })
}

/** Tasks with one resource each, all of them by turns. */
export function tasksByTurns(count: number, keys: number): PlainTask[] {
  return Array.from({ length: count }, (_, index) => ({
    ...{ index, resources: [`key:${index % keys}`] },
  }))
}

/** As many at once as a caller would dispatch in one batch. */
export function inBatches(tasks: readonly PlainTask[], size = batchSize): PlainTask[][] {
  return Array.from({ length: Math.ceil(tasks.length / size) }, (_, n) =>
    tasks.slice(n * size, (n + 1) * size),
  )
}
