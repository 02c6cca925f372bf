/** A statement that a client has sent, as the server's log tells of it. */
export interface LoggedStatement {
  readonly database: string
  readonly text: string
  /** Of the prepared statement that it is; null for one without a name, or for none. */
  readonly preparedAs: string | null
  /** Whether its rows were asked for in portions, or by the name of a portal. */
  readonly fromCursor: boolean
}

/** Settings of a server whose log `loggedStatements` can read. */
export const statementLogSettings = {
  log_statement: 'all',
  log_line_prefix: '[%d] ',
} as const

// Statements of the simple protocol are logged as "statement", others as "execute", with their
// name, that of their portal if it has one, and "fetch from" for all portions but the first.
const entry =
  /^\[(?<database>.*?)\] LOG: {2}(?:statement|execute (?<fetch>fetch from )?(?<name>.*?)(?:\/(?<portal>.*?))?): (?<text>[^]*)$/

const startOfEntry = /\n(?!\t)/

/** The statements in a server's log, in their order. They are there before they are carried out. */
export function loggedStatements(log: string): LoggedStatement[] {
  return log.split(startOfEntry).flatMap((lines) => {
    const { database, fetch, name, portal, text } = entry.exec(lines)?.groups ?? {}
    if (database === undefined || text === undefined) return []
    return {
      database,
      text: text.replaceAll('\n\t', '\n'),
      preparedAs: name === undefined || name === '<unnamed>' ? null : name,
      fromCursor: fetch !== undefined || portal !== undefined,
    }
  })
}
