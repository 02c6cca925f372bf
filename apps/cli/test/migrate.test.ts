import { doctor, migrationSql } from '@tasking/store-pg'
import { nodePostgres, testDatabase, useDatabase } from '@tasking/testbed'
import { beforeAll, describe, expect, test } from 'vitest'
import { tasking } from './cli-process.ts'

const database = useDatabase()
let newest = 0

beforeAll(async () => {
  newest = (await migrationSql({ from: 0 })).to
})

/** Runs plain SQL, also that of a whole script. */
async function run(url: string, script: string): Promise<void> {
  const pool = nodePostgres(url, 1)
  await pool.query(script)
  await pool.end()
}

describe('--print', () => {
  test('without a database: what makes a schema from nothing', async () => {
    await using empty = await testDatabase({ migrated: false })
    const { url } = empty
    const printed = await tasking(['migrate', '--print', '--schema', 'mine'])
    expect(printed).toMatchObject({ code: 0, stderr: '' })
    await run(empty.directUrl, printed.stdout)
    expect(await tasking(['migrate', '--schema', 'mine'], { url })).toEqual({
      ...{ code: 0, stderr: '', stdout: `Schema "mine" is at version ${newest} already.\n` },
    })
    const findings = await doctor({ url, schema: 'mine' })
    expect(findings.filter(({ severity }) => severity !== 'ok')).toEqual([])
  })

  test('with one: from its version on', async () => {
    expect(await tasking(['migrate', '--print'], { url: database.url })).toEqual({
      ...{ code: 0, stderr: '' },
      stdout: `-- Schema "tasking" is at version ${newest} already: nothing to do.\n`,
    })
  })

  test('--from asks no database', async () => {
    const nowhere = 'postgres://user:secret@127.0.0.1:1/nowhere'
    const args = ['migrate', '--print', '--from', '1', '--json']
    const { code, stdout } = await tasking(args, { url: nowhere })
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toEqual({
      ...{ schema: 'tasking', from: 1, to: newest },
      sql: expect.stringMatching(/^-- Brings the schema "tasking" from version 1 to version/),
    })
  })

  test.for<[string[], RegExp]>([
    [
      ['--print', '--from', '1000'],
      /from: 1000 is not a version from 0 to \d+\. \[invalid_option\]/,
    ],
    [['--print', '--from', 'x'], /It must be a version, a whole number from 0\. \[invalid_usage\]/],
    [['--print', '--check'], /'--print' cannot be used with option '--check' \[invalid_usage\]/],
    [['--from', '0'], /--from goes with --print only\. \[invalid_usage\]/],
  ])('wrong usage: %j', async ([flags, message]) => {
    const { code, stdout, stderr } = await tasking(['migrate', ...flags])
    expect(stderr).toMatch(message)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  })
})

describe('--check', () => {
  test('a schema that is as new as the program', async () => {
    expect(await tasking(['migrate', '--check'], { url: database.url })).toEqual({
      ...{ code: 0, stderr: '' },
      stdout: `Schema "tasking" is at version ${newest}, that of this program.\n`,
    })
  })

  test('a schema that does not fit: exit code 1, and nothing is changed', async () => {
    await using other = await testDatabase({ migrated: false })
    const { url } = other
    const { code, stdout, stderr } = await tasking(['migrate', '--check', '--json'], { url })
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'schema_missing' } })
    expect(await doctor({ url })).toContainEqual(
      expect.objectContaining({ code: 'schema_missing' }),
    )
  })

  test('one that is newer and allows this program', async () => {
    await using other = await testDatabase()
    const { url } = other
    await run(other.directUrl, laterVersion(newest))
    expect(await tasking(['migrate', '--check'], { url })).toEqual({
      ...{ code: 0, stderr: '' },
      stdout: `Schema "tasking" is at version ${newest + 1}, which this program (version ${newest}) can work with.\n`,
    })
    const json = await tasking(['migrate', '--check', '--json'], { url })
    expect(JSON.parse(json.stdout)).toEqual({
      ...{ schema: 'tasking', version: newest + 1, client: newest, oldestClient: newest },
    })
  })

  test('one that is newer and does not', async () => {
    await using other = await testDatabase()
    await run(other.directUrl, laterVersion(newest + 1))
    const check = await tasking(['migrate', '--check'], { url: other.url })
    expect(check).toMatchObject({ code: 1, stdout: '' })
    expect(check.stderr).toMatch(/refuses clients older than.*\[schema_newer\]/)
  })
})

function laterVersion(oldestClient: number): string {
  return `insert into tasking.migration (version, hash, oldest_client)
          values (${newest + 1}, 'x', ${oldestClient})`
}
