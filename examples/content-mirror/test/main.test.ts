import { readdir, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { spawnNode, useDatabase } from '@tasking/testbed'
import { expect, test } from 'vitest'
import { temporaryFolder, write } from './folder.ts'

const database = useDatabase()
const program = new URL('../src/main.ts', import.meta.url)

test('the program mirrors, publishes and verifies folders', async () => {
  await using folder = await temporaryFolder()
  const one = await write(join(folder.path, 'One'), { a: '1', b: '2', c: '1' })
  const two = await write(join(folder.path, 'two'), { a: '1' })
  const store = join(folder.path, 'store')
  const args = ['--source', one, two, '--store', store, '--database-url', database.url]
  await using child = spawnNode(program, args)
  await child.waitForLine(/OK: 3 of 3 publications verified, 6 checksums match\./)
  expect(await child.exit).toEqual({ code: 0, signal: null })
  const rows = child.lines.filter((line) => / v\d |^total/.test(line))
  expect(rows.map((row) => row.split(/ {2,}/).slice(0, 2))).toEqual([
    ['one v1', '2'],
    ['two v1', '1'],
    ['one v2', '3'],
    ['total', '6'],
  ])
  expect(await readdir(join(store, 'publications/one'))).toEqual(['1', '2'])
})

test('an interrupt cancels what runs and what waits', async () => {
  await using folder = await temporaryFolder()
  const source = await write(join(folder.path, 'huge'), { huge: '', z: '' })
  await truncate(join(source, 'huge'), 2 ** 37)
  const store = join(folder.path, 'store')
  const args = ['--source', source, '--store', store, '--database-url', database.url]
  await using child = spawnNode(program, args)
  await child.waitForLine(/mirroring/)
  child.kill('SIGINT')
  await child.waitForLine(/sync .* canceled: interrupted/)
  expect(await child.exit).toEqual({ code: 1, signal: null })
  expect(child.lines).toContainEqual(expect.stringMatching(/^FAILED: 0 of 2 publications/))
})

test('wrong arguments and a missing database are told', async () => {
  const cases = [
    [['--workers', 'many'], /--workers: many is not a number/],
    [['--source', 'nowhere', '--database-url', database.url], /ENOENT.*nowhere/],
    [['--database-url', 'postgres://127.0.0.1:1/x'], /No answer from the database/],
  ] as const
  for (const [args, message] of cases) {
    await using child = spawnNode(program, args)
    await child.waitForLine(message)
    expect(await child.exit).toEqual({ code: 1, signal: null })
  }
})
