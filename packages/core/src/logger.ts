/** Writes a line: a message, or fields and perhaps a message. */
export interface LogMethod {
  (fields: object, message?: string): void
  (message: string): void
}

/** The part of a structured logger that Tasking uses; pino fits as it is. */
export interface Logger {
  readonly debug: LogMethod
  readonly info: LogMethod
  readonly warn: LogMethod
  readonly error: LogMethod
  child(fields: object): Logger
}

/** Says nothing: what a library does until it is told otherwise. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLogger,
}
