import { inject } from 'vitest'

/** The PostgreSQL server of a test run, as global-setup.ts tells of it. */
export interface TestServer {
  /** Of the maintenance database, and of a user that may create others. */
  readonly serverUrl: string
  /** The same by the way that stores under test are to take: perhaps through PgBouncer. */
  readonly entranceUrl: string
  /** Of PostgreSQL, such as `18.4`. */
  readonly serverVersion: string
  /** A migrated database to copy. */
  readonly templateName: string
  /** What the name of every database of this run begins with. */
  readonly databasePrefix: string
}

declare module 'vitest' {
  export interface ProvidedContext extends TestServer {}
}

/**
 * The server of this test run.
 *
 * @throws Error when the run has no global-setup.ts
 */
export function testServer(): TestServer {
  const provided: Partial<TestServer> = {
    serverUrl: inject('serverUrl'),
    entranceUrl: inject('entranceUrl'),
    serverVersion: inject('serverVersion'),
    templateName: inject('templateName'),
    databasePrefix: inject('databasePrefix'),
  }
  if (isComplete(provided)) return provided
  throw new Error('There is no test server: vitest runs without testbed/global-setup.ts.')
}

function isComplete(server: Partial<TestServer>): server is TestServer {
  return Object.values(server).every((value) => value !== undefined)
}
