import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'

import postgres, { type Sql } from 'postgres'

/** How a database is created. */
export interface CreateDatabaseOptions {
  /** The database to copy; default PostgreSQL's own `template1`. */
  readonly template?: string
}

const objectInUse = '55006'
const retryForMs = 30_000

/**
 * Creates a database on any server.
 *
 * @param serverUrl of a database on that server, and of a user that may create others
 * @param name default a random one
 * @returns its URL: `serverUrl` with the other name
 * @throws the driver's `PostgresError`, such as `42P04` when it exists. A template that others use
 * at the moment is waited for, up to 30 s.
 */
export async function createDatabase(
  serverUrl: string,
  name: string = `local_${randomBytes(6).toString('hex')}`,
  { template }: CreateDatabaseOptions = {},
): Promise<string> {
  const copy = template === undefined ? '' : ` template ${quote(template)}`
  const statement = `create database ${quote(name)}${copy}`
  await withConnection(serverUrl, async (sql) => {
    for (const deadline = Date.now() + retryForMs; ; await delay(50)) {
      try {
        return await sql.unsafe(statement)
      } catch (error) {
        if (codeOf(error) !== objectInUse || Date.now() > deadline) throw error
      }
    }
  })
  const url = new URL(serverUrl)
  url.pathname = `/${encodeURIComponent(name)}`
  return url.href
}

/** Drops a database, if it exists, and ends the sessions that use it. PostgreSQL 13 or newer. */
export async function dropDatabase(serverUrl: string, name: string): Promise<void> {
  await withConnection(serverUrl, (sql) =>
    sql.unsafe(`drop database if exists ${quote(name)} with (force)`),
  )
}

async function withConnection(url: string, use: (sql: Sql) => PromiseLike<unknown>): Promise<void> {
  // With its own query for types, the driver never settles a query whose session ends early.
  const sql = postgres(url, { max: 1, fetch_types: false, onnotice: () => undefined })
  try {
    await use(sql)
  } finally {
    // Without a timeout, in seconds, this never settles once the server has ended the session.
    await sql.end({ timeout: 1 })
  }
}

function quote(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
