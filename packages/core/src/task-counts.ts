import { taskStates } from './state-machine.ts'
import type { TaskState } from './state-machine.ts'
import type { TaskCounts } from './task.ts'

/** How many of these there are of each state, none left out. */
export function countsOf(states: readonly TaskState[]): TaskCounts {
  const counts = Object.fromEntries(taskStates.map((state) => [state, 0]))
  for (const state of states) counts[state] = (counts[state] ?? 0) + 1
  return counts as TaskCounts
}
