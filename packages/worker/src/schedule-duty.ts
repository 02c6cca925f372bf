import { fireDueSchedules } from '@tasking/core'
import type { Logger, Tasking } from '@tasking/core'
import type { Duty } from './housekeeping.ts'

// What is due and can't be fired yet is not asked for without a pause.
const shortestPauseMs = 50

/**
 * Sets the schedules that the tasking declares, once, and dispatches the tasks of those that are due.
 * @param onFired called when there may be something to claim
 */
export function scheduleDuty(
  tasking: Tasking,
  periodMs: number,
  logger: Logger,
  onFired: () => void,
): Duty {
  let declared = false
  return {
    ...{ name: 'schedules', periodMs },
    async run() {
      declared ||= await tasking.schedules.setDeclared().then(
        () => true,
        (error: unknown) => {
          logger.warn({ err: error }, 'the declared schedules could not be set')
          return false
        },
      )
      const { fired, skipped, failures, nextInMs } = await fireDueSchedules(tasking.store)
      for (const { schedule, error } of failures) {
        logger.warn({ err: error, schedule }, 'a schedule that is due could not be fired')
      }
      if (skipped > 0) {
        logger.info({ skipped }, 'schedules were due while their last tasks were unfinished')
      }
      if (fired > 0) onFired()
      return {
        worked: fired + skipped > 0,
        nextInMs: nextInMs === undefined ? undefined : Math.max(shortestPauseMs, nextInMs),
      }
    },
  }
}
