import { tell } from './service.ts'

/** How many tasks were finished since the last event. */
export interface FinishedEvent {
  readonly finished: number
}

const tellAfterMs = 5
let finished = 0

/** Tells the process that has started this one, many at once. */
export function tellFinished(count: number): void {
  if (finished === 0) {
    setTimeout(() => {
      tell<FinishedEvent>({ finished })
      finished = 0
    }, tellAfterMs)
  }
  finished += count
}
