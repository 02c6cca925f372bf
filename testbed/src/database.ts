import { randomBytes } from 'node:crypto'

import { createDatabase, dropDatabase } from '@tasking/local-postgres'
import { afterAll, beforeAll } from 'vitest'

import { testServer } from './server.ts'

export interface TestDatabaseOptions {
  /** Whether Tasking's tables are there. Default true; false gives an empty database. */
  readonly migrated?: boolean
}

/** A database that nobody else uses. */
export interface TestDatabase extends AsyncDisposable {
  /** For the stores under test: through PgBouncer, if the run has one before its server. */
  readonly url: string
  /** Of the server itself, for what a test does there on its own. */
  readonly directUrl: string
  readonly name: string
  /** Drops it, and ends the sessions that are left. Idempotent. */
  drop(): Promise<void>
}

/** Creates a database; takes 20 to 60 ms. Test files and workers may do so at the same time. */
export async function testDatabase({
  migrated = true,
}: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const { databasePrefix, entranceUrl, serverUrl, templateName } = testServer()
  const name = `${databasePrefix}_${randomBytes(5).toString('hex')}`
  const template = migrated ? { template: templateName } : {}
  const directUrl = await createDatabase(serverUrl, name, template)
  const url = new URL(entranceUrl)
  url.pathname = `/${name}`
  const drop = (): Promise<void> => dropDatabase(serverUrl, name)
  return { url: url.href, directUrl, name, drop, [Symbol.asyncDispose]: drop }
}

/**
 * The database of a test file, or of a `describe` block: registers the hooks that create and drop
 * it. Its URLs and name are there from `beforeAll` on, in hooks registered after this one.
 */
export function useDatabase(
  options: TestDatabaseOptions = {},
): Pick<TestDatabase, 'url' | 'directUrl' | 'name'> {
  let database: TestDatabase | undefined
  const created = (): TestDatabase => {
    if (!database) throw new Error('The database is created in beforeAll; this came too early.')
    return database
  }
  beforeAll(async () => {
    database = await testDatabase(options)
  })
  afterAll(() => database?.drop())
  return {
    get url() {
      return created().url
    },
    get directUrl() {
      return created().directUrl
    },
    get name() {
      return created().name
    },
  }
}
