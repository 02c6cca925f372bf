import type { Scenario } from '../scenario.ts'
import { chain } from './chain.ts'
import { drain, drainByFour } from './drain.ts'
import { finishedBefore } from './finished-before.ts'
import { heldSnapshot } from './held-snapshot.ts'
import { hotResource } from './hot-resource.ts'
import { idleFleet } from './idle-fleet.ts'
import { pickUp } from './pick-up.ts'
import { stuckBefore } from './stuck-before.ts'

/** In the order in which they run. */
export const scenarios: readonly Scenario[] = [
  pickUp,
  stuckBefore,
  finishedBefore,
  hotResource,
  idleFleet,
  chain,
  heldSnapshot,
  drain,
  drainByFour,
]
