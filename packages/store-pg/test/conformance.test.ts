import { storeConformance } from '@tasking/core/conformance'
import { nodePostgres, pooled, useDatabase } from '@tasking/testbed'
import postgres from 'postgres'
import { afterAll, beforeAll, beforeEach, describe, test } from 'vitest'
import { pgStore } from '../src/index.ts'
import type { PgStore } from '../src/index.ts'
import { emptied } from './emptied.ts'

const drivers: Record<string, (url: string) => { store: PgStore; end(): Promise<void> }> = {
  'postgres.js': (url) => ({ store: pgStore({ url, poolSize: 3 }), end: async () => undefined }),
  'node-postgres': (url) => {
    const pool = nodePostgres(url, 3)
    return { store: pgStore({ pool, listen: !pooled && url }), end: () => pool.end() }
  },
}

// Behind a pooler it is refused.
if (!pooled) {
  drivers['node-postgres, prepared'] = (url) => {
    const pool = nodePostgres(url, 3)
    return { store: pgStore({ pool, prepare: true, listen: url }), end: () => pool.end() }
  }
}

describe.each(Object.entries(drivers))('PgStore on %s', (_driver, open) => {
  const database = useDatabase()
  let sql: postgres.Sql
  let opened: ReturnType<typeof open>

  beforeAll(() => {
    sql = postgres(database.directUrl, { max: 1, onnotice: () => undefined })
    opened = open(database.url)
  })
  beforeEach(() => emptied(sql))
  afterAll(async () => {
    await opened.store.close()
    await opened.end()
    await sql.end({ timeout: 1 })
  })

  test.each(storeConformance)('$name', ({ run }) => run(opened.store))
})
