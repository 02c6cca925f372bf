import type { Connection, ConnectionPool } from '../connection.ts'
import type { Migration } from '../migration-files.ts'
import type { Finding } from './finding.ts'

/** What a check looks at. */
export interface Examination {
  /** One transaction, in which all names but those of PostgreSQL itself need their schema. */
  readonly connection: Connection
  readonly schema: string
  readonly migrations: readonly Migration[]
  readonly limits: Limits
}

/** How far a check goes, and from where on something is worth a word. */
export interface Limits {
  /** Findings of one kind. */
  readonly listed: number
  /** Rows that one check reads. */
  readonly rows: number
  /** How long a transaction may be open. */
  readonly openMs: number
  /** How many transactions a replication slot may hold back. */
  readonly heldBack: number
  /** Dead rows in a table, and how many times the threshold of autovacuum. */
  readonly deadRows: number
  readonly deadTimes: number
  /** How long ago autovacuum was there, and how long what has ended may keep its place in line. */
  readonly vacuumMs: number
  readonly releaseMs: number
}

export const usualLimits: Limits = {
  ...{ listed: 10, rows: 100_000 },
  ...{ openMs: 5 * 60_000, heldBack: 1_000_000 },
  ...{ deadRows: 100_000, deadTimes: 10, vacuumMs: 10 * 60_000, releaseMs: 60_000 },
}

export interface Check {
  /** That of its findings. */
  readonly code: string
  /** It creates things, and takes that back. */
  readonly creates?: true
  readonly run: (examination: Examination) => Promise<Finding[]>
}

/** Runs a check in a transaction that changes nothing and waits for nobody for long. */
export async function perform(
  { code, creates, run }: Check,
  pool: ConnectionPool,
  examination: Omit<Examination, 'connection'>,
): Promise<Finding[]> {
  try {
    return await pool.transaction(async (connection) => {
      await connection.query(
        `select set_config('lock_timeout', '5s', true), set_config('statement_timeout', '30s', true),
                set_config('search_path', 'pg_catalog', true),
                set_config('transaction_read_only', $1, true)`,
        [creates ? 'off' : 'on'],
      )
      return run({ ...examination, connection })
    })
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return [{ code, severity: 'warning', message: `This could not be checked: ${why}.` }]
  }
}
