import { systemClock } from '@tasking/core'
import {
  eventually,
  nodePostgres,
  pgBouncerAvailable,
  startPgBouncer,
  useDatabase,
} from '@tasking/testbed'
import getPort from 'get-port'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { doctor, migrate } from '../src/index.ts'
import { examine } from '../src/doctor.ts'
import { postgresJsPool } from '../src/postgres-js.ts'
import { findingsOn } from './findings.ts'
import { rejection } from './hand.ts'
import { additions, now, withLater } from './later-versions.ts'

const database = useDatabase({ migrated: false })
let sql: postgres.Sql

beforeAll(() => {
  sql = postgres(database.directUrl, { max: 1, onnotice: () => undefined })
})
afterAll(() => sql.end({ timeout: 1 }))

/** Runs with a setting that all new connections to the database have. */
async function withSetting(setting: string, run: (other: postgres.Sql) => Promise<void>) {
  const [name = ''] = setting.split(' ')
  await sql.unsafe(`alter database "${database.name}" set ${setting}`)
  const other = postgres(database.directUrl, { max: 1 })
  try {
    await run(other)
  } finally {
    await other.end({ timeout: 1 })
    await sql.begin('read write', (writable) =>
      writable.unsafe(`alter database "${database.name}" reset ${name}`),
    )
  }
}

describe('a database in good order', () => {
  test('has a finding for each check, and all of them are ok', async () => {
    const schema = 'healthy'
    await migrate({ url: database.url, schema })
    const findings = await doctor({ url: database.directUrl, schema })
    expect(findings.filter(({ severity }) => severity !== 'ok')).toEqual([])
    expect(findings.map(({ code }) => code)).toEqual([
      ...['connection', 'server', 'isolation', 'version', 'rights'],
      ...['ledger', 'drift', 'workers', 'housekeeping', 'unserved_tasks'],
      ...['open_transactions', 'autovacuum', 'stray_reservations', 'missing_reservations'],
    ])
  })

  test.each(['postgres.js', 'node-postgres'])('looked at by a %s of the caller', async (driver) => {
    const schema = 'callers'
    await migrate({ url: database.url, schema })
    const pool = nodePostgres(database.directUrl, 1)
    const findings = await doctor(
      driver === 'postgres.js' ? { client: sql, schema } : { pool, schema },
    )
    expect(findings.filter(({ severity }) => severity !== 'ok')).toEqual([])
    // It is the caller's to end.
    expect((await pool.query('select 1')).rowCount).toBe(1)
    await pool.end()
  })
})

describe('the way to the database', () => {
  test('nobody answers', async () => {
    const port = await getPort()
    const url = `postgres://someone:secret@127.0.0.1:${port}/nowhere`
    const findings = await doctor({ url })
    expect(findings).toMatchObject([{ code: 'store_unavailable', severity: 'error' }])
    expect(JSON.stringify(findings)).not.toContain('secret')
  })

  test('no such database', async () => {
    const url = new URL(database.directUrl)
    url.pathname = '/nowhere'
    expect(await doctor({ url: url.href })).toMatchObject([
      { code: 'store_refused', severity: 'error' },
    ])
  })

  test('a URL or a schema name that is none', async () => {
    expect(await rejection(doctor({ url: 'nowhere' }))).toMatchObject({ code: 'invalid_option' })
    expect(await rejection(doctor({ url: database.url, schema: 'a"b' }))).toMatchObject({
      code: 'invalid_option',
    })
  })

  // No such server is at hand, so its answer is made up.
  test.each([
    [['14.2', 14, false, 'off'], 'server', /is PostgreSQL 14\.2\.$/],
    [['18.1', 18, true, 'on'], 'server', / and a standby, which takes no writes\.$/],
  ])('a server that answers %j', async (answer, code, message) => {
    const pool = postgresJsPool(sql, false)
    const query: typeof pool.query = async (text, params) =>
      text.includes('server_version_num') ? [answer] : pool.query(text, params)
    const site = { pool: { ...pool, query }, schema: 'nothing', clock: systemClock }
    expect(await examine(site)).toContainEqual({
      ...{ code, severity: 'error', message: expect.stringMatching(message) },
      advice: expect.stringMatching(/./),
    })
  })

  test('read-only transactions', () =>
    withSetting('default_transaction_read_only = on', async (other) => {
      expect(await findingsOn(other, 'nothing', 'server')).toMatchObject([
        { severity: 'error', message: expect.stringMatching(/ and read-only by default\.$/) },
      ])
    }))

  test('an isolation level that the protocol cannot use', () =>
    withSetting(`default_transaction_isolation = 'repeatable read'`, async (other) => {
      expect(await findingsOn(other, 'nothing', 'unsafe_driver')).toMatchObject([
        { severity: 'error', message: expect.stringMatching(/"repeatable read" by default/) },
      ])
    }))

  test.skipIf(!pgBouncerAvailable())('a pooler in between', async () => {
    const schema = 'pooled'
    await migrate({ url: database.url, schema })
    await using bouncer = await startPgBouncer({ url: database.directUrl, poolSize: 3 })
    const findings = await doctor({ url: bouncer.url, schema })
    expect(findings.filter(({ severity }) => severity !== 'ok')).toEqual([])
    expect(findings).toContainEqual({
      ...{ code: 'connection', severity: 'ok' },
      message: expect.stringMatching(/makes LISTEN impossible/),
      advice: expect.stringMatching(/--listen/),
    })
  })

  test.skipIf(!pgBouncerAvailable())('a driver that loses commits behind it', async () => {
    await using bouncer = await startPgBouncer({ url: database.directUrl, poolSize: 3 })
    const naming = postgres(bouncer.url, { max: 8, prepare: true, fetch_types: false })
    // While one connection does for all, nothing gets lost.
    const finding = await eventually(
      async () => (await findingsOn(naming, 'nothing', 'unsafe_driver')).at(0),
      { what: 'a commit to be lost' },
    )
    expect(finding).toMatchObject({ severity: 'error', message: expect.stringMatching(/prepare/) })
    await naming.end({ timeout: 1 })
  })
})

describe('the version', () => {
  test('no schema at all', async () => {
    expect((await findingsOn(sql, 'nothing')).map(({ code }) => code)).toEqual(['schema_missing'])
  })

  test('an older one', async () => {
    const schema = 'older'
    await migrate({ url: database.url, schema })
    const migrations = withLater(additions)
    expect(await findingsOn(sql, schema, undefined, { migrations })).toMatchObject([
      { code: 'schema_outdated', severity: 'error' },
    ])
  })

  test.each([
    [`update $.migration set hash = 'x' where version = 1`, /^Version 1 \(\w+\) was made by anoth/],
    [`delete from $.migration where version = 1`, /^The ledger lacks version 1 \(\w+\)/],
    [
      `update $.migration set oldest_client = 1 where version = ${now}`,
      /^The ledger allows clients from version 1 on at version/,
    ],
  ])('a ledger that was tampered with: %s', async (change, message) => {
    const schema = `tampered_${/[a-z_]+ (?==|where)/.exec(change)?.[0].trim()}_${change.length}`
    await migrate({ url: database.url, schema })
    await sql.unsafe(change.replaceAll('$', schema))
    expect(await findingsOn(sql, schema)).toEqual([
      {
        ...{ code: 'ledger', severity: 'error', message: expect.stringMatching(message) },
        advice: expect.stringMatching(/./),
      },
    ])
  })
})

describe('the rights of the user', () => {
  const schema = 'guarded'
  let user = ''
  let other: postgres.Sql

  beforeAll(async () => {
    await migrate({ url: database.url, schema })
    user = `visitor_${database.name}`
    await sql.unsafe(`create role ${user} login password 'x'`)
    const url = new URL(database.directUrl)
    url.username = user
    url.password = 'x'
    other = postgres(url.href, { max: 1 })
  })
  afterAll(async () => {
    await other.end({ timeout: 1 })
    await sql.unsafe(`drop owned by ${user}; drop role ${user}`)
  })

  test('none to the schema', async () => {
    expect(await findingsOn(other, schema)).toMatchObject([
      { code: 'store_refused', severity: 'error', message: expect.stringMatching(schema) },
    ])
  })

  test('too few', async () => {
    await sql.unsafe(`grant usage on schema ${schema} to ${user};
      grant select on all tables in schema ${schema} to ${user};
      revoke execute on all functions in schema ${schema} from public`)
    const findings = await findingsOn(other, schema, 'rights', { limits: { listed: 100 } })
    const messages = findings.map(({ message }) => message)
    expect(messages).toContain(`User "${user}" lacks DELETE, INSERT, UPDATE on table task.`)
    expect(messages).toContain(`User "${user}" lacks USAGE on sequence position.`)
    expect(messages).toContain(`User "${user}" lacks EXECUTE on function turn.`)
    expect(messages.join()).not.toContain('table migration')
    expect(findings.every(({ severity }) => severity === 'error')).toBe(true)
  })

  test('many are listed up to a limit', async () => {
    const options = { limits: { listed: 2 } }
    const findings = await findingsOn(other, schema, 'rights', options)
    expect(findings).toHaveLength(3)
    expect(findings[2]?.message).toMatch(/^\d+ more of the same\.$/)
  })

  test('those that it needs, granted as advised', async () => {
    await sql.unsafe(`grant insert, update, delete on all tables in schema ${schema} to ${user};
      grant usage on all sequences in schema ${schema} to ${user};
      grant execute on all functions in schema ${schema} to ${user}`)
    expect(await findingsOn(other, schema, 'rights')).toMatchObject([{ severity: 'ok' }])
  })

  test('whose sessions it can not see', async () => {
    expect(await findingsOn(other, schema, 'open_transactions')).toMatchObject([
      { severity: 'ok', advice: expect.stringMatching(/grant pg_monitor/) },
    ])
  })
})

test('a check that can not be made keeps nobody from the others', async () => {
  const schema = 'crippled'
  await migrate({ url: database.url, schema })
  await sql.unsafe(`drop table ${schema}.app_status`)
  const findings = await findingsOn(sql, schema)
  expect(findings).toContainEqual({
    ...{ code: 'workers', severity: 'warning' },
    message: expect.stringMatching(/^This could not be checked: .*app_status/),
  })
  expect(findings).toContainEqual(expect.objectContaining({ code: 'drift', severity: 'error' }))
  const all = await findingsOn(sql, schema, 'missing_reservations')
  expect(all).toMatchObject([{ severity: 'ok' }])
})
