import type { Scenario } from '../scenario.ts'
import { bulk } from './bulk.ts'
import { cancel } from './cancel.ts'
import { chain } from './chain.ts'
import { dispatch, dispatchBySixteen } from './dispatch.ts'
import { drainResources } from './drain-resources.ts'
import { drain, drainByFour } from './drain.ts'
import { embedded } from './embedded.ts'
import { finishedBefore } from './finished-before.ts'
import { heldSnapshot } from './held-snapshot.ts'
import { hotResource } from './hot-resource.ts'
import { idleFleet } from './idle-fleet.ts'
import { killedWorker } from './killed-worker.ts'
import { perKey } from './per-key.ts'
import { pickUpPeers } from './pick-up-peers.ts'
import { pickUp } from './pick-up.ts'
import { pollingPickUp } from './polling-pick-up.ts'
import { seed } from './seed.ts'
import { stuckBefore } from './stuck-before.ts'
import { thousandIdle } from './thousand-idle.ts'

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
  drainResources,
  dispatch,
  dispatchBySixteen,
  bulk,
  perKey,
  pickUpPeers,
  seed,
  embedded,
  thousandIdle,
  pollingPickUp,
  cancel,
  killedWorker,
]
