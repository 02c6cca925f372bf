import type { Store } from '@tasking/core'
import type { CallerTransaction } from './caller-transaction.ts'
import { ClaimFloors } from './claim-floors.ts'
import { Database } from './database.ts'
import type { PgStoreOptions } from './options.ts'
import { creationStore } from './store/creation-store.ts'
import { groupStore } from './store/group-store.ts'
import { housekeepingStore } from './store/housekeeping-store.ts'
import { observationStore } from './store/observation-store.ts'
import { progressStore } from './store/progress-store.ts'
import { queueStore } from './store/queue-store.ts'
import { scheduleStore } from './store/schedule-store.ts'
import { taskStore } from './store/task-store.ts'
import { turnStore } from './store/turn-store.ts'
import { workerStore } from './store/worker-store.ts'

/** A store in PostgreSQL, which takes transactions of Drizzle, postgres.js and node-postgres. */
export type PgStore = Store<CallerTransaction>

/**
 * The PostgreSQL store. Nothing is connected before the first verb; then it checks that the
 * connection and the schema can be used safely.
 * @throws InvalidOptionError for options that can't be used; the verbs throw SchemaMissingError,
 *   SchemaOutdatedError, SchemaNewerError, UnsafeDriverError, StoreUnavailableError
 */
export function pgStore(options: PgStoreOptions): PgStore {
  const database = new Database(options)
  const floors = new ClaimFloors(database.clock)
  const tasks = taskStore(database)
  const close = () => database.close()
  return {
    ...tasks,
    ...turnStore(database, floors),
    ...workerStore(database, floors),
    ...groupStore(database),
    ...scheduleStore(database),
    ...queueStore(database),
    ...observationStore(database, tasks),
    ...progressStore(database),
    ...creationStore(database),
    ...housekeepingStore(database),
    // Known only once it is connected.
    get signals() {
      return database.signals
    },
    check: async () => void (await database.open()),
    close,
    [Symbol.asyncDispose]: close,
  }
}
