import type { Timing } from './timing.ts'
import type { NewTask, TaskId } from './task.ts'

/** A task that a schedule dispatches: all but what each one has of its own. */
export type ScheduledTask = Omit<NewTask, 'id' | 'parentId' | 'groupId' | 'correlationId' | 'owner'>

/** A schedule as it is handed to the store. */
export interface NewSchedule {
  readonly name: string
  readonly timing: Timing
  readonly task: ScheduledTask
  /** When it is due first, unless a schedule of this name and timing knows already. */
  readonly nextAt: Date
}

/** A schedule as the store keeps it. */
export interface Schedule {
  /** Unique. */
  readonly name: string
  readonly timing: Timing
  readonly task: ScheduledTask
  /** When it is due next; `null` once a single time is over. */
  readonly nextAt: Date | null
  readonly pausedAt: Date | null
  /** The task that it has dispatched last. */
  readonly lastTaskId: TaskId | null
  readonly lastFiredAt: Date | null
  /** When it was last due while its last task was unfinished: then nothing is dispatched. */
  readonly lastSkippedAt: Date | null
  /** Grows with every change, so that a change goes by what its maker has seen. */
  readonly revision: number
}

/** A change of plans, on the condition that nothing has changed meanwhile. */
export interface SchedulePlan {
  readonly name: string
  readonly revision: number
  readonly paused: boolean
  readonly nextAt: Date | null
}

/** What is due, and when the rest is. */
export interface DueSchedules {
  /** The longest due first. */
  readonly due: readonly Schedule[]
  /** By the store's clock, which says what is due. */
  readonly now: Date
  /** How long until the next one is due that is not among them; `null` for never. */
  readonly nextInMs: number | null
}

/** To dispatch the task of a schedule. */
export interface Firing {
  readonly name: string
  /** The id of the task, made before, so that repeating it is harmless. */
  readonly taskId: TaskId
  /**
   * For its time: it counts only while the schedule is as it was seen, so that of any number of
   * workers one gets through. Without it, it is fired by hand, paused or not, and its times stay.
   */
  readonly due?: { readonly revision: number; readonly nextAt: Date | null }
}

/** What came of a firing. */
export type FiringOutcome =
  | { readonly kind: 'fired'; readonly taskId: TaskId; readonly blocked: boolean }
  /** Its last task is unfinished: nothing was dispatched, and this time is passed over. */
  | { readonly kind: 'unfinished'; readonly taskId: TaskId }
  /** Somebody else fired or changed it, or it is gone. */
  | { readonly kind: 'changed' }
  /** Somebody's transaction holds what a dispatch needs: try again soon. */
  | { readonly kind: 'busy' }

/** What a store does with schedules. */
export interface ScheduleStore {
  /**
   * Makes a schedule, or changes the one of this name. With the same timing as before it stays due
   * when it was, so that setting it again and again changes nothing; a paused one stays paused.
   */
  setSchedule(schedule: NewSchedule): Promise<Schedule>
  /** All in the order of their names, or the one of this name. */
  schedules(name?: string): Promise<Schedule[]>
  /** @returns whether there was one; its tasks stay */
  removeSchedule(name: string): Promise<boolean>
  /** @returns whether it counts: false where the schedule has changed meanwhile, or is gone */
  planSchedule(plan: SchedulePlan): Promise<boolean>
  /** What is due by the store's clock and not paused. @param limit at most so many; default 100 */
  dueSchedules(limit?: number): Promise<DueSchedules>
  /**
   * Dispatches the task of a schedule and says when it is due next, at once or not at all. Never
   * while the task that it dispatched last is unfinished.
   */
  fireSchedule(firing: Firing): Promise<FiringOutcome>
}
