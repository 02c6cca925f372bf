import type { Figures } from './figures.ts'
import { median } from './figures.ts'
import type { Goal } from '../scenario.ts'

/** A goal, and what was seen. */
export interface Judgement {
  readonly goal: Goal
  /** The median over the rounds; undefined where the system doesn't tell the figure. */
  readonly value: number | undefined
  readonly lowest: number | undefined
  readonly highest: number | undefined
  readonly met: boolean | undefined
}

/**
 * Compares what was measured with a goal. A ratio is taken within each round, so that what else the
 * machine had to do at that time weighs on both sides.
 */
export function judgeGoal(goal: Goal, rounds: ReadonlyMap<string, readonly Figures[]>): Judgement {
  const own = (rounds.get(goal.side) ?? []).map(goal.figure)
  const other = goal.against === undefined ? undefined : rounds.get(goal.against)?.map(goal.figure)
  const values = own.flatMap((value, round) => {
    if (value === undefined) return []
    if (other === undefined) return [value]
    const base = other[round]
    return base === undefined || base === 0 ? [] : [value / base]
  })
  const value = median(values)
  return {
    goal,
    value,
    lowest: values.length === 0 ? undefined : Math.min(...values),
    highest: values.length === 0 ? undefined : Math.max(...values),
    met: value === undefined ? undefined : isMet(goal, value),
  }
}

function isMet({ bound }: Goal, value: number): boolean {
  return 'atMost' in bound ? value <= bound.atMost : value >= bound.atLeast
}
