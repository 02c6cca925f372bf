import { storeConformance } from '@tasking/core/conformance'
import { pooled, useDatabase } from '@tasking/testbed'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkMigrations, migrate, pgStore } from '../src/index.ts'
import type { Migration } from '../src/migration-files.ts'
import { checkSchema, migrateSchema } from '../src/migrations.ts'
import { postgresJsPool } from '../src/postgres-js.ts'
import { claim, completed, register, rejection, taskOf } from './hand.ts'
import { additions, moreAdditions, now, renaming, withLater } from './later-versions.ts'
import { emptied } from './emptied.ts'

const database = useDatabase({ migrated: false })
let sql: postgres.Sql

beforeAll(() => {
  sql = postgres(database.directUrl, { max: 1, onnotice: () => undefined })
})
afterAll(() => sql.end({ timeout: 1 }))

function bring(schema: string, migrations: readonly Migration[]) {
  return migrateSchema(postgresJsPool(sql, false), schema, migrations)
}

function check(schema: string, migrations: readonly Migration[]) {
  return checkSchema(postgresJsPool(sql, false), schema, migrations)
}

describe.each([
  ['one version', [additions]],
  ['two versions', [additions, moreAdditions]],
])('a schema that is %s ahead and allows this code', (_, later) => {
  const schema = `ahead_by_${later.length}`

  beforeAll(() => bring(schema, withLater(...later)))

  test('is told of', async () => {
    expect(await checkMigrations({ url: database.url, schema })).toEqual({
      ...{ version: now + later.length, client: now, oldestClient: now },
    })
  })

  test('is worked with', async () => {
    await using store = pgStore({ url: database.url, schema, listen: false })
    await store.dispatch([1, 2].map(() => taskOf(store, { exclusive: ['r'] })))
    const worker = await register(store)
    const turn = { workerId: worker, slots: 1, looks: [] }
    const [first] = await claim(store, worker, 2)
    expect(first).toBeDefined()
    const second = await store.turn({ ...turn, completions: first ? [completed(first)] : [] })
    expect(second).toMatchObject({ claimed: [{ name: 'task' }], refused: [] })
    expect(await store.list({ states: ['completed'] })).toMatchObject([{ id: first?.id }])
  })

  test('is not migrated, though', async () => {
    const error = await rejection(migrate({ url: database.url, schema }))
    expect(error).toMatchObject({ code: 'schema_newer' })
    expect(String(error)).toMatch(/can work with that, but it can't migrate it/)
    await using store = pgStore({ url: database.url, schema, migrate: true })
    expect(await rejection(store.list())).toMatchObject({ code: 'schema_newer' })
  })
})

describe('everything that a store does, two versions apart', () => {
  const schema = 'conforming'

  beforeAll(() => bring(schema, withLater(additions, moreAdditions)))

  test.each(storeConformance)('$name', async ({ run }) => {
    await emptied(sql, schema)
    await using store = pgStore({ url: database.url, schema, poolSize: 2, listen: false })
    await run(store)
  })
})

describe('a schema that does not allow this code', () => {
  test.each([
    ['one_strict', [renaming]],
    ['second_strict', [additions, renaming]],
    // What comes after it and would do for this code does not take that back.
    ['first_strict', [renaming, additions]],
  ])('%s', async (schema, later) => {
    await bring(schema, withLater(...later))
    await using store = pgStore({ url: database.url, schema })
    const error = await rejection(store.dispatch([taskOf(store)]))
    expect(error).toMatchObject({ code: 'schema_newer' })
    const strict = now + 1 + later.indexOf(renaming)
    expect(String(error)).toContain(`at version ${now + later.length}`)
    expect(String(error)).toContain(`clients older than ${strict}`)
    expect(String(error)).toContain(`a client of version ${now}: update`)
    expect(await rejection(migrate({ url: database.url, schema }))).toMatchObject({
      code: 'schema_newer',
    })
    expect(await rejection(checkMigrations({ url: database.url, schema }))).toMatchObject({
      code: 'schema_newer',
    })
  })
})

test('clients of three versions, at schemas of three versions', async () => {
  const versions = [withLater(), withLater(additions), withLater(additions, renaming)]
  const found: string[][] = []
  for (const [age, migrations] of versions.entries()) {
    await bring('three_versions', migrations)
    const verdicts = versions.map((client) =>
      check('three_versions', client).then(
        () => 'fits',
        (error: unknown) => (error instanceof Error && 'code' in error ? String(error.code) : ''),
      ),
    )
    found[age] = await Promise.all(verdicts)
  }
  expect(found).toEqual([
    ['fits', 'schema_outdated', 'schema_outdated'],
    ['fits', 'fits', 'schema_outdated'],
    ['schema_newer', 'schema_newer', 'fits'],
  ])
})

test('two schemas of one database are of different versions', async () => {
  await bring('left_alone', withLater())
  await bring('renamed', withLater(renaming))
  await using store = pgStore({ url: database.url, schema: 'left_alone' })
  await store.dispatch([taskOf(store)])
  expect(await claim(store, await register(store), 1)).toHaveLength(1)
  await using other = pgStore({ url: database.url, schema: 'renamed' })
  expect(await rejection(other.list())).toMatchObject({ code: 'schema_newer' })
})

test('an older client keeps working while the schema is upgraded', async () => {
  const schema = 'upgraded_live'
  await bring(schema, withLater())
  // With prepared statements where it may: the upgrade makes their plans obsolete.
  await using store = pgStore({ url: database.url, schema, prepare: !pooled, listen: false })
  const worker = await register(store)
  const work = async () => {
    await store.dispatch([taskOf(store, { exclusive: ['r'], shared: ['s'] })])
    const claimed = await claim(store, worker, 1)
    const turn = { workerId: worker, slots: 0, looks: [] }
    const { refused } = await store.turn({ ...turn, completions: claimed.map(completed) })
    return claimed.length - refused.length
  }
  let done = await work()
  let upgrading = true
  const upgrades = (async () => {
    for (const later of [[additions], [additions, moreAdditions]]) {
      await bring(schema, withLater(...later))
    }
  })().finally(() => (upgrading = false))
  let rounds = 1
  for (; upgrading; rounds += 1) done += await work()
  await upgrades
  done += await work()
  expect(done).toBe(rounds + 1)
  expect(await sql`select from upgraded_live.task where state <> 'completed'`).toHaveLength(0)
  expect(await checkMigrations({ url: database.url, schema })).toMatchObject({ version: now + 2 })
})
