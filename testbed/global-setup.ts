import { randomBytes } from 'node:crypto'

import { createDatabase, dropDatabase, startPostgres } from '@tasking/local-postgres'
import type { TestProject } from 'vitest/node'

import { databasesOf, versionOf } from './src/catalog.ts'
import { type Entrance, entranceTo } from './src/entrance.ts'
import type {} from './src/server.ts'

interface Server {
  readonly url: string
  readonly version: string
  /** Leaves the server as it was found; given what this run's databases are called. */
  close(databasePrefix: string): Promise<void>
}

/**
 * One PostgreSQL server for the whole run, with a migrated database for the tests to copy.
 *
 * TEST_DATABASE_URL names a server to use instead of a fresh one, as a user that may create
 * databases; TASKING_POSTGRES_BIN names the directory of other binaries for the fresh one.
 * TASKING_TEST_POOLER=1 puts PgBouncer between the stores under test and the server.
 */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env['TEST_DATABASE_URL']
  const server = given ? await useServer(given) : await startServer()
  const databasePrefix = `tasking_test_${randomBytes(4).toString('hex')}`
  const templateName = `${databasePrefix}_template`
  let entrance: Entrance | undefined
  const tearDown = async (): Promise<void> => {
    await entrance?.close()
    await server.close(databasePrefix)
  }
  try {
    await migrateDatabase(await createDatabase(server.url, templateName))
    entrance = await entranceTo(server.url)
  } catch (error) {
    await tearDown()
    throw error
  }
  project.provide('serverUrl', server.url)
  project.provide('entranceUrl', entrance.url)
  project.provide('serverVersion', server.version)
  project.provide('templateName', templateName)
  project.provide('databasePrefix', databasePrefix)
  return tearDown
}

async function startServer(): Promise<Server> {
  const binDir = process.env['TASKING_POSTGRES_BIN']
  const server = await startPostgres({
    durable: false,
    maxConnections: 300,
    ...(binDir && { binDir }),
  })
  return { url: server.url, version: server.version, close: () => server.stop() }
}

async function useServer(url: string): Promise<Server> {
  return {
    url,
    version: await versionOf(url),
    async close(databasePrefix) {
      for (const name of await databasesOf(url, databasePrefix)) await dropDatabase(url, name)
    },
  }
}

// A store that doesn't migrate fails the tests that need it, but not those of other packages.
async function migrateDatabase(url: string): Promise<void> {
  try {
    const { migrate } = await import('@tasking/store-pg')
    await migrate({ url })
  } catch (error) {
    console.error('The databases of this run have no tables, as the migration failed:', error)
  }
}
