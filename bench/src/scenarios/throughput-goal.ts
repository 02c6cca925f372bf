import type { Figures } from '../measure/figures.ts'
import type { Goal } from '../scenario.ts'

/** At least so many times the tasks per second of another side. */
export function throughputGoal(side: string, against: string, atLeast: number): Goal {
  return {
    ...{ side, against, what: 'throughput', bound: { atLeast } },
    figure: ({ tasksPerSecond }: Figures) => tasksPerSecond,
  }
}
