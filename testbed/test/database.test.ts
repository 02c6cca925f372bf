import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { databasesOf, versionOf } from '../src/catalog.ts'
import { pooled, testDatabase, testServer, useDatabase } from '../src/index.ts'

/** Whether the process that answers is another one than that which greeted. */
async function isPooled(url: string): Promise<boolean> {
  const sql = postgres(url, { max: 1, prepare: false, fetch_types: false })
  try {
    const answer = await sql.unsafe('select pg_backend_pid()').values()
    return answer.state.pid !== answer[0]?.[0]
  } finally {
    await sql.end({ timeout: 1 })
  }
}

async function tables(url: string): Promise<unknown[]> {
  const sql = postgres(url, { max: 1, prepare: false, fetch_types: false })
  try {
    return [...(await sql`select 1 from pg_tables where schemaname = 'tasking'`)]
  } finally {
    await sql.end({ timeout: 1 })
  }
}

describe('the server', () => {
  test('is of the version that it says', async () => {
    const { serverUrl, serverVersion } = testServer()
    expect(await versionOf(serverUrl)).toBe(serverVersion)
  })
})

describe('a database', () => {
  test('is there while it is used', async () => {
    const { serverUrl } = testServer()
    const database = await testDatabase()
    expect(await databasesOf(serverUrl, database.name)).toEqual([database.name])
    await database.drop()
    await database.drop()
    expect(await databasesOf(serverUrl, database.name)).toEqual([])
  })

  test('has the tables, or none', async () => {
    await using migrated = await testDatabase()
    await using empty = await testDatabase({ migrated: false })
    expect(await tables(migrated.url)).not.toEqual([])
    expect(await tables(empty.url)).toEqual([])
  })

  test('is reached by the way that this run wants, and straight', async () => {
    await using database = await testDatabase({ migrated: false })
    expect(await isPooled(database.url)).toBe(pooled)
    expect(await isPooled(database.directUrl)).toBe(false)
  })

  test('can be created while others are', async () => {
    const databases = await Promise.all(Array.from({ length: 12 }, () => testDatabase()))
    expect(new Set(databases.map(({ url }) => url)).size).toBe(12)
    await Promise.all(databases.map((database) => database.drop()))
  })
})

describe('the database of a block', () => {
  const database = useDatabase()
  const early = ((): unknown => {
    try {
      return database.url
    } catch (error) {
      return error
    }
  })()
  let urlInHook: string

  beforeAll(() => {
    urlInHook = database.url
  })
  // A hook that fails would fail the block.
  afterAll(async () => void (await tables(database.url)))

  test('is there from beforeAll on', async () => {
    expect(String(early)).toContain('too early')
    expect(urlInHook).toBe(database.url)
    expect(database.url).toContain(database.name)
    expect(database.directUrl).toContain(database.name)
    expect(await tables(database.url)).not.toEqual([])
  })
})
