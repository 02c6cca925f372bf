import { versionOf } from './catalog.ts'
import { eventually } from './eventually.ts'
import { startPgBouncer } from './pgbouncer.ts'

/**
 * Whether the stores of this run go through PgBouncer, as TASKING_TEST_POOLER demands. Then they
 * get no signals, and can't name prepared statements.
 */
export const pooled = Boolean(process.env['TASKING_TEST_POOLER'])

/** The way to a server for the stores of this run. */
export interface Entrance extends AsyncDisposable {
  /** Of the same database, perhaps by way of PgBouncer. */
  readonly url: string
  /** Resolves when it leads to the server: PgBouncer is late to notice that one is back. */
  ready(): Promise<void>
  /** Ends every connection that goes this way through PgBouncer. Idempotent. */
  close(): Promise<void>
}

export interface EntranceOptions {
  /**
   * How long PgBouncer lets a client wait for a connection to the server, in seconds. While the
   * server is down it lets them wait, too. Default 25, less than a test may take.
   */
  readonly patience?: number
}

// So few that stores have to share them.
const poolSize = 4

/** Starts a PgBouncer before a server where this run wants one; else its own URL is the way. */
export async function entranceTo(
  url: string,
  { patience = 25 }: EntranceOptions = {},
): Promise<Entrance> {
  const settings = { query_wait_timeout: patience, server_login_retry: 0.2 }
  const bouncer = pooled ? await startPgBouncer({ url, poolSize, settings }) : undefined
  const close = async (): Promise<void> => bouncer?.stop()
  const ready = async (): Promise<void> => {
    if (bouncer === undefined) return
    await eventually(() => versionOf(bouncer.url), { what: 'PgBouncer to reach the server' })
  }
  return { url: bouncer?.url ?? url, ready, close, [Symbol.asyncDispose]: close }
}
