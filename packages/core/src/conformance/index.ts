import type { Store } from '../store.ts'
import { claimingCases } from './claiming.ts'
import { dispatchCases } from './dispatching.ts'
import { endingCases } from './ending.ts'
import { exclusionCases } from './exclusion.ts'
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
  ...claimingCases,
  ...endingCases,
  ...stateMachineCases,
  ...workerCases,
]
