import { existsSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { type LocalPostgres, startPostgres } from '../src/index.ts'
import { query } from './query.ts'
import { until } from './until.ts'

describe('a server', () => {
  let server: LocalPostgres
  const lines: string[] = []

  beforeAll(async () => {
    const settings = { deadlock_timeout: '77ms', 'tasking.note': "it's a \\ sign", jit: false }
    const onLog = (line: string): void => void lines.push(line)
    server = await startPostgres({ durable: false, maxConnections: 30, settings, onLog })
  })
  afterAll(() => server.stop())

  test('has the settings that were asked for', async () => {
    const rows = await query(server.url, 'select name, setting from pg_settings')
    const settings = Object.fromEntries(rows.map(({ name, setting }) => [name, setting]))
    expect(settings).toMatchObject({
      TimeZone: 'UTC',
      deadlock_timeout: '77',
      fsync: 'off',
      jit: 'off',
      lc_messages: 'C',
      listen_addresses: '127.0.0.1',
      max_connections: '30',
      server_encoding: 'UTF8',
      unix_socket_directories: '',
    })
    const note = await query(server.url, `select current_setting('tasking.note') as note`)
    expect(note).toEqual([{ note: "it's a \\ sign" }])
  })

  test('tells its version and process', async () => {
    const [row] = await query(server.url, `select current_setting('server_version') as version`)
    expect(row?.version).toBe(server.version)
    expect(process.kill(server.pid ?? 0, 0)).toBe(true)
  })

  test('passes on its log', async () => {
    await query(server.url, `do $$ begin raise log 'marked' ; end $$`)
    await until(() => lines.some((line) => line.includes('marked')), 'the line')
    expect(readFileSync(server.logFile, 'utf8')).toContain('marked')
  })

  test('creates databases from a template and drops them, used or not', async () => {
    const template = await server.createDatabase('first.template')
    await query(template, 'create table kept as select 42 as answer')
    const options = { template: 'first.template' }
    const copies = await Promise.all([1, 2, 3].map(() => server.createDatabase(undefined, options)))
    for (const copy of copies) {
      expect(await query(copy, 'select * from kept')).toEqual([{ answer: 42 }])
    }
    const [copy = ''] = copies
    const sleeper = query(copy, 'select pg_sleep(60)').catch(() => 'ended')
    const name = new URL(copy).pathname.slice(1)
    await server.dropDatabase(name)
    await server.dropDatabase(name)
    expect(await sleeper).toBe('ended')
    await expect(query(copy, 'select 1')).rejects.toMatchObject({ code: '3D000' })
  })

  test('reports a database that exists', async () => {
    await server.createDatabase('twice')
    await expect(server.createDatabase('twice')).rejects.toMatchObject({ code: '42P04' })
  })
})

describe('a crash', () => {
  test('loses nothing that was committed', async () => {
    await using server = await startPostgres()
    const { url } = server
    await query(url, 'create table entries (n int)')
    await query(url, 'insert into entries values (1), (2)')
    await server.kill()
    expect(server.pid).toBeUndefined()
    await expect(query(url, 'select 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    await server.kill()

    await server.restart()
    expect(server.url).toBe(url)
    expect(await query(url, 'select n from entries order by n')).toEqual([{ n: 1 }, { n: 2 }])
    expect(readFileSync(server.logFile, 'utf8')).toContain('automatic recovery in progress')
  })

  test('may come from elsewhere, and leave sessions that still run', async () => {
    await using server = await startPostgres({ durable: false })
    const busy = 'select count(*) from generate_series(1, 4000000)'
    const session = query(server.url, busy).catch(() => undefined)
    const running = `select 1 from pg_stat_activity where query like 'select count%'`
    await until(async () => (await query(server.url, running)).length > 0, 'the busy session')
    process.kill(server.pid ?? 0, 'SIGKILL')
    await until(() => server.pid === undefined, 'the end of the server')

    await server.restart()
    expect(await query(server.url, 'select 1 as one')).toEqual([{ one: 1 }])
    await session
  })
})

describe('the end of a server', () => {
  test('comes once, removes everything, and is final', async () => {
    const server = await startPostgres({ durable: false })
    const { pid = 0 } = server
    const restarted = server.restart()
    await Promise.all([server.stop(), server.stop(), server.kill()])
    await restarted
    await server.stop()
    await server[Symbol.asyncDispose]()
    expect(existsSync(dirname(server.logFile))).toBe(false)
    expect(() => process.kill(pid, 0)).toThrow('ESRCH')
    await expect(server.restart()).rejects.toMatchObject({ code: 'stopped' })
  })
})
