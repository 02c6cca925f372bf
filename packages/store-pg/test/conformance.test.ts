import { storeConformance } from '@tasking/core/conformance'
import { nodePostgres, testDatabase } from '@tasking/testbed'
import pg from 'pg'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { pgStore } from '../src/index.ts'
import type { PgStore } from '../src/index.ts'

const drivers: Record<string, (url: string) => { store: PgStore; end(): Promise<void> }> = {
  'postgres.js': (url) => ({ store: pgStore({ url, poolSize: 3 }), end: async () => undefined }),
  'node-postgres': (url) => {
    const pool = nodePostgres(url, 3)
    return { store: pgStore({ pool, listen: url }), end: () => pool.end() }
  },
  'node-postgres, prepared': (url) => {
    const pool = nodePostgres(url, 3)
    return { store: pgStore({ pool, prepare: true, listen: url }), end: () => pool.end() }
  },
}

describe.each(Object.entries(drivers))('PgStore on %s', (_driver, open) => {
  let url = ''
  let drop: () => Promise<void>
  beforeAll(async () => {
    const database = await testDatabase()
    url = database.url
    drop = database.drop
  })
  afterAll(() => drop())

  test.each(storeConformance)('$name', async ({ run }) => {
    await emptied(url)
    const { store, end } = open(url)
    try {
      await run(store)
    } finally {
      await store.close()
      await end()
    }
  })
})

async function emptied(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query('truncate tasking.task, tasking.reservation, tasking.app_status')
  await client.end()
}
