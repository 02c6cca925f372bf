import { once } from 'node:events'
import { connect } from 'node:net'

import postgres from 'postgres'
import { describe, expect, test, vi } from 'vitest'

import {
  eventually,
  pgBouncerAvailable,
  spawnNode,
  startPgBouncer,
  testDatabase,
} from '../src/index.ts'

const options = { max: 2, prepare: false, fetch_types: false }

describe.skipIf(!pgBouncerAvailable())('PgBouncer', () => {
  test.for(['transaction', 'session'] as const)('pools by %s', async (mode) => {
    await using database = await testDatabase({ migrated: false })
    await using bouncer = await startPgBouncer({ url: database.directUrl, poolSize: 1, mode })
    const first = postgres(bouncer.url, { ...options, max: 1 })
    const second = postgres(bouncer.url, { ...options, max: 1 })
    const backend = async (sql: postgres.Sql): Promise<unknown> => {
      const [row] = await sql`select pg_backend_pid() as pid, current_database() as name`
      expect(row?.['name']).toBe(database.name)
      return row?.['pid']
    }
    const one = await backend(first)
    const two = backend(second)
    if (mode === 'session') await first.end({ timeout: 1 })
    expect(await two).toBe(one)
    await Promise.all([first.end({ timeout: 1 }), second.end({ timeout: 1 })])
  })

  test('stops once, for all of its clients', async () => {
    await using database = await testDatabase({ migrated: false })
    const bouncer = await startPgBouncer({ url: database.directUrl })
    const sql = postgres(bouncer.url, options)
    const sleep = sql`select pg_sleep(60)`.catch((error: unknown) => error)
    await eventually(async () => isBusy(database.directUrl), { what: 'the session that sleeps' })
    await Promise.all([bouncer.stop(), bouncer.stop()])
    expect(await sleep).toBeInstanceOf(Error)
    await expect(once(connect(bouncer.port, '127.0.0.1'), 'connect')).rejects.toMatchObject({
      code: 'ECONNREFUSED',
    })
    await sql.end({ timeout: 0 })
  })

  test('ends with the process that started it', async () => {
    await using database = await testDatabase({ migrated: false })
    const program = new URL('./programs/pooler.ts', import.meta.url)
    await using child = spawnNode(program, [database.directUrl])
    const line = await child.waitForLine(/^port \d+$/)
    const port = Number(line.split(' ')[1])
    child.kill('SIGKILL')
    const refused = async (): Promise<boolean> => {
      const socket = connect(port, '127.0.0.1')
      return once(socket, 'connect').then(
        () => (socket.destroy(), false),
        () => true,
      )
    }
    expect(await eventually(refused, { what: 'the end of PgBouncer' })).toBe(true)
  })

  test('shows why it does not start', async () => {
    const broken = startPgBouncer({ url: 'postgres://me@127.0.0.1:1/x', poolSize: Number.NaN })
    await expect(broken).rejects.toThrow(/PgBouncer does not start: FATAL/)
  })
})

test('that PgBouncer is missing can be an error', () => {
  vi.stubEnv('TASKING_REQUIRE_PGBOUNCER', undefined)
  expect(pgBouncerAvailable(['/nowhere'])).toBe(false)
  vi.stubEnv('TASKING_REQUIRE_PGBOUNCER', '1')
  expect(() => pgBouncerAvailable(['/nowhere'])).toThrow('pgbouncer is not installed')
  vi.unstubAllEnvs()
})

async function isBusy(url: string): Promise<boolean> {
  const sql = postgres(url, options)
  try {
    return (
      (await sql`select 1 from pg_stat_activity where query like 'select pg_sleep%'`).length > 0
    )
  } finally {
    await sql.end({ timeout: 1 })
  }
}
