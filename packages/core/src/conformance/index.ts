import type { Store } from '../store.ts'
import { claimingCases } from './claiming.ts'
import { creationCases } from './creations.ts'
import { countedCases } from './counted.ts'
import { dedupeCases } from './dedupe.ts'
import { delayCases } from './delays.ts'
import { dispatchCases } from './dispatching.ts'
import { endingCases } from './ending.ts'
import { exclusionCases } from './exclusion.ts'
import { groupCases } from './groups.ts'
import { ifBlockedCases } from './if-blocked.ts'
import { immediateCases } from './immediate.ts'
import { explainingCases } from './explaining.ts'
import { lineCases } from './lines.ts'
import { versionCases } from './versions.ts'
import { queueCases } from './queues.ts'
import { metricsCases } from './metrics.ts'
import { orphanCases } from './orphans.ts'
import { ownCompletionCases } from './own-completion.ts'
import type { InTransaction } from './own-completion.ts'
import { progressCases } from './progress.ts'
import { relationCases } from './relations.ts'
import { retryCases } from './retries.ts'
import { scheduleCases } from './schedules.ts'
import { taskOptionsCases } from './task-options.ts'
import { purgingCases } from './purging.ts'
import { stateMachineCases } from './state-machine.ts'
import { workerCases } from './workers.ts'

/** One thing that every store must do. */
export interface ConformanceCase {
  readonly name: string
  /**
   * @param store empty; closed by the caller
   * @throws when the store doesn't conform
   */
  run(store: Store): Promise<void>
}

/** What every store must pass, whatever test runner drives it. */
export const storeConformance: readonly ConformanceCase[] = [
  ...dispatchCases,
  ...exclusionCases,
  ...countedCases,
  ...dedupeCases,
  ...ifBlockedCases,
  ...claimingCases,
  ...endingCases,
  ...stateMachineCases,
  ...purgingCases,
  ...immediateCases,
  ...delayCases,
  ...retryCases,
  ...metricsCases,
  ...queueCases,
  ...versionCases,
  ...workerCases,
  ...explainingCases,
  ...lineCases,
  ...taskOptionsCases,
  ...relationCases,
  ...groupCases,
  ...scheduleCases,
  ...orphanCases,
  ...progressCases,
  ...creationCases,
]

export type { InTransaction } from './own-completion.ts'

/**
 * What every store must pass that is given a way to run something within a transaction of its own
 * kind; one without transactions runs it as it is.
 */
export function ownCompletionConformance(inTransaction: InTransaction): readonly ConformanceCase[] {
  return ownCompletionCases(inTransaction)
}
