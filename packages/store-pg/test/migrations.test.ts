import { systemClock } from '@tasking/core'
import { eventually, nodePostgres, spawnNode, testDatabase, useDatabase } from '@tasking/testbed'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkMigrations, migrate, pgStore } from '../src/index.ts'
import { migrateOn } from '../src/migrate.ts'
import { migrationOf } from '../src/migration-files.ts'
import { migrateSchema } from '../src/migrations.ts'
import { postgresJsPool } from '../src/postgres-js.ts'
import { migrationLock, upgradeSteps } from '../src/upgrade.ts'
import { claim, register, rejection, taskOf } from './hand.ts'
import { failing, now, withLater } from './later-versions.ts'

const database = useDatabase({ migrated: false })
let sql: postgres.Sql

beforeAll(() => {
  sql = postgres(database.directUrl, { max: 2, onnotice: () => undefined })
})
afterAll(() => sql.end({ timeout: 1 }))

describe('a database that does not fit', () => {
  test('without a schema: says how to get one', async () => {
    await using store = pgStore({ url: database.url })
    const error = await rejection(store.list())
    expect(error).toMatchObject({ code: 'schema_missing' })
    expect(String(error)).toContain('tasking migrate')
    expect(String(error)).toContain(new URL(database.url).pathname)
    expect(await rejection(checkMigrations({ url: database.url }))).toMatchObject({
      code: 'schema_missing',
    })
  })

  test('behind the code', async () => {
    await using other = await testDatabase()
    await using store = pgStore({ url: other.url })
    const client = postgres(other.directUrl, { max: 1 })
    await client`delete from tasking.migration where version > 1`
    await client.end({ timeout: 1 })
    expect(await rejection(store.list())).toMatchObject({ code: 'schema_outdated' })
    expect(await rejection(checkMigrations({ url: other.url }))).toMatchObject({
      code: 'schema_outdated',
    })
  })

  test('a store that was refused works once the schema is there', async () => {
    await using other = await testDatabase({ migrated: false })
    await using store = pgStore({ url: other.url })
    await rejection(store.list())
    await migrate({ url: other.url })
    expect(await store.list()).toEqual([])
  })
})

describe('migrate', () => {
  test('many at once: one does it, the others find it done', async () => {
    const reports = await Promise.all(
      Array.from({ length: 6 }, () => migrate({ url: database.url })),
    )
    const froms = reports.map(({ from }) => from).toSorted((a, b) => a - b)
    expect(froms).toEqual([0, ...Array.from({ length: 5 }, () => now)])
    expect(reports.every(({ to }) => to === now)).toBe(true)
  })

  test.each(['postgres.js', 'node-postgres'])('on a %s of the caller', async (driver) => {
    const schema = driver.replaceAll(/\W/g, '_')
    const pool = nodePostgres(database.url, 1)
    const options = driver === 'postgres.js' ? { client: sql, schema } : { pool, schema }
    expect(await migrate(options)).toMatchObject({ from: 0, to: now })
    expect(await checkMigrations(options)).toMatchObject({ version: now, client: now })
    // It is the caller's to end.
    expect((await pool.query('select 1')).rowCount).toBe(1)
    await pool.end()
  })

  test('several processes at once upgrade a schema once', async () => {
    const schema = 'upgraded'
    await migrate({ url: database.url, schema })
    const script = new URL('programs/migrate-later.ts', import.meta.url)
    const processes = await sql.begin(async (holder) => {
      await holder.unsafe(`select ${migrationLock(schema)}`)
      const started = Array.from({ length: 3 }, () => spawnNode(script, [database.url, schema]))
      await eventually(async () => (await waiting(holder)) === started.length, {
        what: 'all of them to be at the door',
        timeout: 40_000,
      })
      return started
    })
    const ends = await Promise.all(processes.map(({ exit }) => exit))
    expect(ends.map(({ code }) => code)).toEqual([0, 0, 0])
    const froms = processes.map(
      ({ lines }) => (JSON.parse(lines[0] ?? '') as { from: number }).from,
    )
    expect(froms.toSorted((a, b) => a - b)).toEqual([now, now + 1, now + 1])
    expect(await ledgerOf(schema)).toHaveLength(now + 1)
  })

  test('a session that remembers that there was no schema looks again', async () => {
    const schema = 'remembered'
    const client = postgres(database.directUrl, { max: 1 })
    expect(await rejection(checkMigrations({ client, schema }))).toMatchObject({
      code: 'schema_missing',
    })
    const later = await sql.begin(async (holder) => {
      await holder.unsafe(`select ${migrationLock(schema)}`)
      const report = migrate({ client, schema })
      await eventually(async () => (await waiting(holder)) === 1, { what: 'it to be at the door' })
      for (const { statements } of upgradeSteps(withLater(), schema, 0)) {
        for (const statement of statements) await holder.unsafe(statement)
      }
      return { report }
    })
    expect(await later.report).toMatchObject({ from: now, to: now })
    await client.end({ timeout: 1 })
  })

  test('one that fails leaves nothing, be there a schema or not', async () => {
    const pool = postgresJsPool(sql, false)
    const schema = 'half'
    expect(String(await rejection(migrateSchema(pool, schema, withLater(failing))))).toMatch(
      /division by zero/,
    )
    expect(await sql`select from pg_namespace where nspname = ${schema}`).toHaveLength(0)
    await migrate({ url: database.url, schema })
    await rejection(migrateSchema(pool, schema, withLater(failing)))
    expect(await ledgerOf(schema)).toHaveLength(now)
    expect(await sql`select from pg_class where relname = 'half_done'`).toHaveLength(0)
    await using store = pgStore({ url: database.url, schema })
    expect(await store.list()).toEqual([])
  })

  test('one that PostgreSQL ends to break a cycle of locks begins anew', async () => {
    await sql`create sequence attempts`
    const unlucky = `do $$ begin
      if nextval('attempts') < 3 then raise exception using errcode = 'deadlock_detected'; end if;
    end $$`
    const site = { pool: postgresJsPool(sql, false), schema: 'unlucky', clock: systemClock }
    const report = await migrateOn(site, withLater(unlucky))
    expect(report).toMatchObject({ from: 0, to: now + 1 })
    expect(await sql`select last_value::int as attempts from attempts`).toEqual([{ attempts: 3 }])
  })

  test('a user that owns the schema needs no right to create one', async () => {
    const schema = 'given'
    const user = `migrator_${database.name}`
    await sql.unsafe(`create role ${user} login password 'x'`)
    await sql.unsafe(`create schema ${schema} authorization ${user}`)
    const url = new URL(database.directUrl)
    url.username = user
    url.password = 'x'
    try {
      const options = { url: url.href, schema }
      const refused = await rejection(migrate({ ...options, schema: 'taken' }))
      expect(String(refused)).toMatch(/permission denied for database/)
      expect(await migrate(options)).toMatchObject({ from: 0, to: now })
      await using store = pgStore(options)
      expect(await store.dispatch([taskOf(store)])).toHaveLength(1)
    } finally {
      await sql.unsafe(`drop owned by ${user} cascade`)
      await sql.unsafe(`drop role ${user}`)
    }
  })

  test('schemas of other names: two of them do not meet', async () => {
    await using one = pgStore({ url: database.url, schema: 'one', migrate: true, listen: false })
    await using two = pgStore({ url: database.url, schema: 'two', migrate: true, listen: false })
    await one.dispatch([taskOf(one, { exclusive: ['r'] })])
    const [answer] = await two.dispatch([taskOf(two, { exclusive: ['r'] })])
    expect(answer?.blocked).toBe(false)
    expect(await claim(one, await register(one), 10)).toHaveLength(1)
    const names = await sql`select nspname from pg_namespace where nspname in ('one', 'two')`
    expect(names).toHaveLength(2)
    const [strays] = await sql`
      select count(*)::int as n from pg_proc p join pg_namespace n on n.oid = p.pronamespace
       where n.nspname in ('one', 'two') and p.prosrc like '%"tasking"%'`
    expect(strays).toEqual({ n: 0 })
  })

  test('a schema name that would need quoting is refused', async () => {
    const refusal = { code: 'invalid_option', option: 'schema' }
    const schema = 'My"Schema'
    expect(() => pgStore({ url: database.url, schema })).toThrow(expect.objectContaining(refusal))
    expect(await rejection(migrate({ url: database.url, schema }))).toMatchObject(refusal)
  })
})

describe('the oldest client of a migration', () => {
  test.each([
    ['-- oldest client: 2\nselect 1', 2],
    ['-- oldest client: 2\r\nselect 1', 2],
    ['select 1', 5],
    ['select 1;\n-- oldest client: 2', 5],
    ['-- The oldest client: 2', 5],
  ])('%j', (text, oldestClient) => {
    expect(migrationOf(5, 'fifth', text).oldestClient).toBe(oldestClient)
  })

  test.each([0, 6])('%d is none', (oldest) => {
    expect(() => migrationOf(5, 'fifth', `-- oldest client: ${oldest}`)).toThrow(/from 1 to 5/)
  })
})

/** The versions that the ledger of a schema has. */
async function ledgerOf(schema: string): Promise<readonly unknown[]> {
  return sql`select version from ${sql(schema)}.migration order by version`
}

async function waiting(connection: postgres.TransactionSql): Promise<number> {
  const [row] = await connection<{ n: number }[]>`
    select count(*)::int as n from pg_locks
     where locktype = 'advisory' and not granted
       and database = (select oid from pg_database where datname = current_database())`
  return row?.n ?? 0
}
