import { spawnSync } from 'node:child_process'
import { useDatabase } from '@tasking/testbed'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkMigrations, migrate, migrationSql, pgStore } from '../src/index.ts'
import { checkSchema, migrateSchema } from '../src/migrations.ts'
import { postgresJsPool } from '../src/postgres-js.ts'
import { upgradeScript } from '../src/upgrade.ts'
import { rejection, taskOf } from './hand.ts'
import { additions, failing, moreAdditions, now, withLater } from './later-versions.ts'

const database = useDatabase({ migrated: false })
let sql: postgres.Sql

beforeAll(() => {
  sql = postgres(database.directUrl, { max: 1, onnotice: () => undefined })
})
afterAll(() => sql.end({ timeout: 1 }))

const shell = 'psql'
const hasPsql = spawnSync(shell, ['--version']).status === 0

function psql(script: string) {
  return spawnSync(shell, ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', database.directUrl], {
    input: script,
    encoding: 'utf8',
  })
}

/** All of a schema that a script could have forgotten. */
async function ledgerOf(schema: string): Promise<readonly unknown[]> {
  return sql`select version, hash, oldest_client from ${sql(schema)}.migration order by version`
}

describe('from nothing, without a database', () => {
  test('the script does what migrate does', async () => {
    const script = await migrationSql({ from: 0, schema: 'by_script' })
    expect(script).toMatchObject({ from: 0, to: now })
    await sql.unsafe(script.sql)
    await migrate({ url: database.url, schema: 'by_api' })
    expect(await ledgerOf('by_script')).toEqual(await ledgerOf('by_api'))
    const options = { url: database.url, schema: 'by_script' }
    expect(await migrate(options)).toMatchObject({ from: now, to: now })
    expect(await checkMigrations(options)).toMatchObject({ version: now })
    await using store = pgStore(options)
    expect(await store.dispatch([taskOf(store)])).toHaveLength(1)
  })

  test.skipIf(!hasPsql)('psql runs it, once', async () => {
    const { sql: script } = await migrationSql({ from: 0, schema: 'by_psql' })
    expect(psql(script)).toMatchObject({ status: 0, stderr: expect.not.stringMatching(/ERROR/) })
    expect(await checkMigrations({ url: database.url, schema: 'by_psql' })).toMatchObject({
      version: now,
    })
    expect(psql(script)).toMatchObject({
      status: 3,
      stderr: expect.stringMatching(
        /schema "by_psql" is not at version 0: print this script again/,
      ),
    })
  })

  test('the default schema is named as such', async () => {
    expect((await migrationSql({ from: 0 })).sql).toContain('create table "tasking".migration')
  })
})

describe('from the version of a database', () => {
  test('there is nothing to do at the newest', async () => {
    const options = { url: database.url, schema: 'newest' }
    await migrate(options)
    const script = await migrationSql(options)
    expect(script).toEqual({
      ...{ from: now, to: now },
      sql: `-- Schema "newest" is at version ${now} already: nothing to do.\n`,
    })
    await sql.unsafe(script.sql)
  })

  test('a schema that is not there begins at 0', async () => {
    expect(await migrationSql({ url: database.url, schema: 'nothing' })).toMatchObject({ from: 0 })
  })

  test('an upgrade of several versions, from another schema than the default one', async () => {
    const schema = 'several'
    const migrations = withLater(additions, moreAdditions)
    await migrate({ url: database.url, schema })
    await sql.unsafe(upgradeScript(migrations, schema, now))
    expect(await checkSchema(postgresJsPool(sql, false), schema, migrations)).toEqual({
      ...{ version: now + 2, client: now + 2, oldestClient: now },
    })
    expect(await migrateSchema(postgresJsPool(sql, false), schema, migrations)).toMatchObject({
      from: now + 2,
    })
  })

  test('all or nothing, and only from the version it is for', async () => {
    const schema = 'all_or_nothing'
    await migrate({ url: database.url, schema })
    const half = upgradeScript(withLater(additions, failing), schema, now)
    expect(String(await rejection(sql.unsafe(half)))).toMatch(/division by zero/)
    await sql.unsafe('rollback')
    const late = upgradeScript(withLater(additions, moreAdditions), schema, now + 1)
    expect(String(await rejection(sql.unsafe(late)))).toMatch(
      new RegExp(`"${schema}" is not at version ${now + 1}`),
    )
    await sql.unsafe('rollback')
    expect(await ledgerOf(schema)).toHaveLength(now)
    expect(await checkMigrations({ url: database.url, schema })).toMatchObject({ version: now })
  })

  test('a newer one is refused', async () => {
    const schema = 'newer'
    await migrateSchema(postgresJsPool(sql, false), schema, withLater(additions))
    expect(await rejection(migrationSql({ url: database.url, schema }))).toMatchObject({
      code: 'schema_newer',
    })
  })
})

test.each([-1, 0.5, now + 1])('there is no version %d to begin at', async (from) => {
  expect(await rejection(migrationSql({ from }))).toMatchObject({
    ...{ code: 'invalid_option', option: 'from' },
  })
})

test('a schema name that would need quoting is refused', async () => {
  expect(await rejection(migrationSql({ from: 0, schema: "a'b" }))).toMatchObject({
    ...{ code: 'invalid_option', option: 'schema' },
  })
})
