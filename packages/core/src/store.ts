import type { CreationStore } from './creation.ts'
import type { ObservationStore } from './explanation.ts'
import type { GroupStore } from './group.ts'
import type { HousekeepingStore } from './housekeeping.ts'
import type { ProgressStore } from './progress.ts'
import type { QueueStore } from './queue.ts'
import type { ScheduleStore } from './schedule.ts'
import type { SignalSource } from './signal.ts'
import type { TaskStore } from './task-store.ts'
import type { TurnStore } from './turn.ts'
import type { WorkerStore } from './worker.ts'

/**
 * What a store must do. Each verb is atomic; all but `list`, `count` and those of groups cost no more
 * with a longer backlog.
 * Verbs may be repeated after an error: no repetition makes a task run twice or get lost.
 * @throws StoreUnavailableError from every verb, when the store doesn't answer
 */
export interface Store<Tx = never>
  extends
    TaskStore<Tx>,
    TurnStore<Tx>,
    WorkerStore,
    GroupStore<Tx>,
    ScheduleStore,
    QueueStore,
    ObservationStore,
    ProgressStore,
    CreationStore,
    HousekeepingStore,
    AsyncDisposable {
  /** Checks that the store can be used safely: reachable, the right schema, a safe driver. */
  check(): Promise<void>
  /** Hints that save polling; `undefined` where there is no connection to listen on. */
  readonly signals: SignalSource | undefined
  close(): Promise<void>
}
