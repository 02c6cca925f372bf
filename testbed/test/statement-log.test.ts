import { readFile } from 'node:fs/promises'

import { startPostgres } from '@tasking/local-postgres'
import type { LocalPostgres } from '@tasking/local-postgres'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { loggedStatements, sessionStateIn, statementLogSettings } from '../src/index.ts'

test('statements are read from a log, with how they were sent', () => {
  const log = [
    '[] LOG:  database system is ready to accept connections',
    '[one] LOG:  statement: begin',
    '[one] LOG:  execute <unnamed>: select 1',
    '\t  from t: u',
    "[one] DETAIL:  Parameters: $1 = 'statement: set x'",
    '[two] LOG:  execute s1: select 2',
    '[two] LOG:  execute <unnamed>/C_1: select 3',
    '[two] LOG:  execute fetch from <unnamed>: select 4',
    '[two] ERROR:  syntax error at or near "sett"',
    '[two] STATEMENT:  sett x',
    '',
  ]
  const plain = { preparedAs: null, fromCursor: false }
  expect(loggedStatements(log.join('\n'))).toEqual([
    { ...plain, database: 'one', text: 'begin' },
    { ...plain, database: 'one', text: 'select 1\n  from t: u' },
    { ...plain, database: 'two', text: 'select 2', preparedAs: 's1' },
    { ...plain, database: 'two', text: 'select 3', fromCursor: true },
    { ...plain, database: 'two', text: 'select 4', fromCursor: true },
  ])
})

describe('the log of a server', () => {
  let server: LocalPostgres
  beforeAll(async () => {
    server = await startPostgres({ durable: false, settings: statementLogSettings })
  })
  afterAll(() => server.stop())

  /** What sort of session state a client has made use of, by the log, in a database of its own. */
  async function kindsUsedBy(
    act: (sql: postgres.Sql) => Promise<unknown>,
    options: { readonly prepare: boolean },
  ): Promise<string[]> {
    const url = await server.createDatabase()
    const sql = postgres(url, { ...options, max: 1, fetch_types: false })
    await act(sql)
    await sql.end({ timeout: 1 })
    const statements = loggedStatements(await readFile(server.logFile, 'utf8')).filter(
      ({ database }) => url.endsWith(`/${database}`),
    )
    expect(statements).not.toEqual([])
    return [...new Set(statements.flatMap(sessionStateIn))]
  }

  test.each([
    ['a session advisory lock', 'select pg_advisory_lock(1)'],
    ['SET', "set timezone to 'UTC'"],
    ['SET', "begin; set local lock_timeout = '1s'; commit"],
    ['a named prepared statement', 'prepare one as select 1'],
    ['LISTEN', 'listen anything'],
    ['a temporary table', 'create temp table one (id int)'],
    ['a cursor', 'begin; declare one cursor for select 1; commit'],
    ['nextval or setval', `create sequence one; select nextval('one')`],
  ])('shows %s: %s', async (kind, text) => {
    expect(await kindsUsedBy((sql) => sql.unsafe(text), { prepare: false })).toEqual([kind])
  })

  test.each([
    ['shows', true, ['a named prepared statement']],
    ['does not invent', false, []],
  ])('%s the names that a driver gives to its statements', async (_, prepare, kinds) => {
    expect(await kindsUsedBy((sql) => sql`select ${1}::int`, { prepare })).toEqual(kinds)
  })

  test("shows a driver's cursor", async () => {
    const portions: number[] = []
    const read = async (sql: postgres.Sql): Promise<void> => {
      const cursor = sql`select generate_series(1, 5)`.cursor(2)
      for await (const rows of cursor) portions.push(rows.length)
    }
    expect(await kindsUsedBy(read, { prepare: false })).toEqual(['a cursor'])
    expect(portions).toEqual([2, 2, 1])
  })
})
