import type { WorkerId } from './task.ts'

export interface HousekeepingReport {
  /** False where another worker is at it. */
  readonly done: boolean
  readonly missingWorkers: readonly WorkerId[]
  readonly lostTasks: number
  /** Tasks whose wake-up had been lost with a process between its commit and its second look. */
  readonly unblocked: number
  /** In how many milliseconds the next scheduled task is due; `null` without any. */
  readonly nextDueMs: number | null
}

/** What came of bringing due tasks into line. */
export interface PromotionReport {
  /** So many tasks are in line now. */
  readonly promoted: number
  /** In how many milliseconds the next one is due; 0 where some are left, `null` without any. */
  readonly nextDueMs: number | null
}

/** What some worker has a store do for all. */
export interface HousekeepingStore {
  /**
   * What some worker does now and then for all; only one at a time gets through.
   * @param sweep whether to look for lost wake-ups too, which costs more the more lines there are
   */
  housekeep(options?: { readonly sweep?: boolean }): Promise<HousekeepingReport>
  /**
   * Puts the scheduled tasks that are due in line, as a dispatch at this moment would, in the order
   * in which they came due. A task whose line a dispatcher is at is left for a little while.
   */
  promote(): Promise<PromotionReport>
}
