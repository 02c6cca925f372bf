import { storeConformance } from '@tasking/core/conformance'
import { nodePostgres, pooled, useDatabase } from '@tasking/testbed'
import pg from 'pg'
import { describe, test } from 'vitest'
import { pgStore } from '../src/index.ts'
import type { PgStore } from '../src/index.ts'

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

  test.each(storeConformance)('$name', async ({ run }) => {
    await emptied(database.directUrl)
    const { store, end } = open(database.url)
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
