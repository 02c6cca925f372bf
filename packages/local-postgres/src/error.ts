/** What went wrong; stable across versions. */
export type LocalPostgresErrorCode =
  /** No npm binaries exist for this platform; `binDir` is the way out. */
  | 'unsupported_platform'
  /** The binaries are not installed, or not where `binDir` says. */
  | 'binaries_missing'
  /** The binaries are there but don't run. */
  | 'binaries_unusable'
  /** Root has to hand the server to another account, and the system refuses that. */
  | 'account_unavailable'
  /** The account of the server can't enter a directory that it needs. */
  | 'directory_inaccessible'
  | 'invalid_option'
  | 'initdb_failed'
  /** The server died, or was not ready in time; the message ends with the tail of its log. */
  | 'start_failed'
  /** Another program listens on the port that was asked for. */
  | 'port_taken'
  /** The server was stopped for good, so nothing can be done with it. */
  | 'stopped'

/** Every error that this package throws on purpose; compare `code`, never the message. */
export class LocalPostgresError extends Error {
  readonly code: LocalPostgresErrorCode

  constructor(code: LocalPostgresErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'LocalPostgresError'
    this.code = code
  }
}
