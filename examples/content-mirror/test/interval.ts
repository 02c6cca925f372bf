import type { TaskDefinition } from '@tasking/core'

/** When a handler ran. */
export interface Interval {
  readonly name: string
  readonly input: unknown
  readonly begin: number
  readonly end: number
}

/** The same definition, but what its handler does is noted. */
export function recorded<Dispatched, Input, Result>(
  definition: TaskDefinition<Dispatched, Input, Result>,
  intervals: Interval[],
): TaskDefinition<Dispatched, Input, Result> {
  return {
    ...definition,
    async run(input, context) {
      const begin = performance.now()
      try {
        return await definition.run(input, context)
      } finally {
        intervals.push({ name: definition.name, input, begin, end: performance.now() })
      }
    },
  }
}

export function overlap(one: Interval, other: Interval): boolean {
  return one.begin < other.end && other.begin < one.end
}
