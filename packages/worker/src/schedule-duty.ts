import { fireDueSchedules } from '@tasking/core'
import type { Clock, Logger, Tasking } from '@tasking/core'
import { DeclaredSchedules } from './declared-schedules.ts'
import type { Duty } from './housekeeping.ts'

// What is due and can't be fired yet is not asked for without a pause.
const shortestPauseMs = 50

/**
 * Sets the schedules that the tasking declares, each once, and dispatches the tasks of those that are due.
 * @param onFired called when there may be something to claim
 */
export function scheduleDuty(
  tasking: Tasking,
  periodMs: number,
  clock: Clock,
  logger: Logger,
  onFired: () => void,
): Duty {
  const declared = new DeclaredSchedules(tasking, clock, logger)
  return {
    ...{ name: 'schedules', periodMs },
    async run() {
      await declared.set()
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
