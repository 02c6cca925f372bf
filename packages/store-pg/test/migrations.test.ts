import { testDatabase, useDatabase } from '@tasking/testbed'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { migrate, pgStore } from '../src/index.ts'
import { claim, register, rejection, taskOf } from './hand.ts'

const database = useDatabase({ migrated: false })
let sql: postgres.Sql

beforeAll(() => {
  sql = postgres(database.url, { max: 1, onnotice: () => undefined })
})
afterAll(() => sql.end({ timeout: 1 }))

describe('a database that does not fit', () => {
  test('without a schema: says how to get one', async () => {
    await using store = pgStore({ url: database.url })
    const error = await rejection(store.list())
    expect(error).toMatchObject({ code: 'schema_missing' })
    expect(String(error)).toContain('tasking migrate')
    expect(String(error)).toContain(new URL(database.url).pathname)
  })

  test('behind the code, or ahead of it', async () => {
    await using other = await testDatabase()
    await using store = pgStore({ url: other.url })
    const client = postgres(other.url, { max: 1 })
    await client`insert into tasking.migration (version, hash) values (1000, 'x')`
    expect(await rejection(store.list())).toMatchObject({ code: 'schema_newer' })
    expect(await rejection(migrate({ url: other.url }))).toMatchObject({ code: 'schema_newer' })
    await client`delete from tasking.migration where version > 1`
    expect(await rejection(store.list())).toMatchObject({ code: 'schema_outdated' })
    await client.end({ timeout: 1 })
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
    const version = reports[0]?.to ?? 0
    expect(version).toBeGreaterThan(0)
    const froms = reports.map(({ from }) => from).toSorted((a, b) => a - b)
    expect(froms).toEqual([0, ...Array.from({ length: 5 }, () => version)])
    expect(reports.every(({ to }) => to === version)).toBe(true)
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

  test('a schema name that would need quoting is refused', () => {
    expect(() => pgStore({ url: database.url, schema: 'My"Schema' })).toThrow(
      expect.objectContaining({ code: 'invalid_option', option: 'schema' }),
    )
  })
})
