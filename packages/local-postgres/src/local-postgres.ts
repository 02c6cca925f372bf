import type { CreateDatabaseOptions } from './database.ts'
import { LocalServer } from './local-server.ts'
import type { ServerSettings } from './server-settings.ts'

/** How a server is started; every option has a default. */
export interface LocalPostgresOptions {
  /** A directory with `postgres` and `initdb`; default those from npm, PostgreSQL 18. */
  readonly binDir?: string
  /** Default a free one. */
  readonly port?: number
  /**
   * Whether commits survive a crash of the machine, or of the server, with certainty. Default true;
   * false is faster, for tests, and keeps the data in memory (`/dev/shm`) if 2 GB are free there and
   * TMPDIR is not set.
   */
  readonly durable?: boolean
  /** Further settings of postgresql.conf; they win over those that this package makes. */
  readonly settings?: ServerSettings
  /** Default 200. */
  readonly maxConnections?: number
  /**
   * Where data and log are kept; what an earlier server left there is used again. Default a fresh
   * temporary directory, removed on stop.
   */
  readonly directory?: string
  /** Called with every line that the server logs, at most 0.1 s late. */
  readonly onLog?: (line: string) => void
}

/** A running server. Everybody on this machine can connect, as superuser and without a password. */
export interface LocalPostgres extends AsyncDisposable {
  /** Of the database `postgres`, as the superuser `postgres`. */
  readonly url: string
  readonly port: number
  /** Of PostgreSQL, such as `18.4`. */
  readonly version: string
  /** Of the server's first process; undefined while the server is down. */
  readonly pid: number | undefined
  readonly logFile: string

  /**
   * Creates a database.
   *
   * @param name default a random one
   * @returns its URL
   * @throws the driver's `PostgresError`, such as `42P04` when it exists
   */
  createDatabase(name?: string, options?: CreateDatabaseOptions): Promise<string>

  /** Drops a database, if it exists, and ends the sessions that use it. */
  dropDatabase(name: string): Promise<void>

  /**
   * Crashes the server: all sessions end at once, nothing is written any more, and the next start
   * recovers from the write-ahead log. Resolves when the server is gone.
   */
  kill(): Promise<void>

  /**
   * Starts the server again on the same data and port, after ending it cleanly if it runs.
   *
   * @throws LocalPostgresError `start_failed`, `port_taken`, or `stopped` after `stop()`
   */
  restart(): Promise<void>

  /** Ends the server for good, and removes its directory if that is temporary. Idempotent. */
  stop(): Promise<void>
}

/**
 * Starts a PostgreSQL server that listens on 127.0.0.1 only: UTF8, locale C, time zone UTC.
 *
 * It does not keep the process from ending, and ends with it, whatever ends the process. When that
 * is root, the server runs as the user `nobody`, since PostgreSQL refuses root.
 *
 * @throws LocalPostgresError with a `code` that tells what is missing
 */
export function startPostgres(options: LocalPostgresOptions = {}): Promise<LocalPostgres> {
  return LocalServer.start(options)
}
