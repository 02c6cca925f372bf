import type { DueSchedules, FiringOutcome, Schedule } from './schedule.ts'
import type { Store } from './store.ts'
import { timeAfter } from './timing.ts'

/** What came of the schedules that were due. */
export interface FiredSchedules {
  readonly fired: number
  /** Times that were passed over, since the last task was unfinished. */
  readonly skipped: number
  readonly failures: readonly FiringFailure[]
  /** How long until one is due, where that is known. */
  readonly nextInMs: number | undefined
}

export interface FiringFailure {
  readonly schedule: string
  readonly error: unknown
}

/**
 * Dispatches the tasks of all schedules that are due. Any number of processes may do so at once: one
 * of them gets through for each time of each schedule.
 */
export async function fireDueSchedules(store: Store): Promise<FiredSchedules> {
  const found = await store.dueSchedules()
  const failures: FiringFailure[] = []
  const next = found.nextInMs === null ? [] : [found.nextInMs]
  const outcomes: FiringOutcome['kind'][] = []
  for (const schedule of found.due) {
    try {
      const { kind, nextAt } = await fire(store, schedule, found)
      outcomes.push(kind)
      if (nextAt !== null) next.push(Math.max(0, nextAt.getTime() - found.now.getTime()))
    } catch (error) {
      // One that can't be dispatched must not hold up the others; it stays due.
      failures.push({ schedule: schedule.name, error })
    }
  }
  const count = (wanted: FiringOutcome['kind']) => outcomes.filter((kind) => kind === wanted).length
  return {
    ...{ fired: count('fired'), skipped: count('unfinished'), failures },
    nextInMs: next.length === 0 ? undefined : Math.min(...next),
  }
}

async function fire(store: Store, { name, timing, nextAt, revision }: Schedule, due: DueSchedules) {
  const following = timeAfter(timing, nextAt ?? due.now, due.now)
  const { kind } = await store.fireSchedule({
    ...{ name, taskId: store.newId() },
    due: { revision, nextAt: following },
  })
  return { kind, nextAt: following }
}
