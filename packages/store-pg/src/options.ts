import type { Clock } from '@tasking/core'
import type { VerbReport } from './instrument.ts'
import type { NodePostgresPool } from './node-postgres.ts'
import type { PostgresJsClient } from './postgres-js.ts'

export interface PgStoreSettings {
  /** The PostgreSQL schema of the tables. Default `tasking`. */
  readonly schema?: string
  /** Bring the schema to this code's version at the first use. For development. Default false. */
  readonly migrate?: boolean
  /**
   * A direct connection string to LISTEN on, or false for polling only. Default: the store's own
   * `url` where that is a direct connection.
   */
  readonly listen?: string | false
  /** Where time comes from. Default the system's clock. */
  readonly clock?: Clock
  /** Called after every verb, for metrics and traces. */
  readonly onVerb?: (report: VerbReport) => void
}

export type PgStoreOptions = PgStoreSettings &
  (
    | {
        /** A connection string; the store makes and ends its own postgres.js client. */
        readonly url: string
        /** Most connections. Default 10. */
        readonly poolSize?: number
        /** Named prepared statements. Default: where the connection is direct. */
        readonly prepare?: boolean
      }
    | {
        /** The caller's own postgres.js client. */
        readonly client: PostgresJsClient
      }
    | {
        /** The caller's own node-postgres pool. */
        readonly pool: NodePostgresPool
        /** Named prepared statements. Default false, which is safe behind a pooler. */
        readonly prepare?: boolean
      }
  )
