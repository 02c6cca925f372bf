import { rmSync } from 'node:fs'
import { mkdir, readFile, symlink, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { eventually, useDatabase } from '@tasking/testbed'
import { expect, test } from 'vitest'
import { checksumOfText } from '../src/checksum.ts'
import { snapshot } from '../src/snapshot.ts'
import { cleanContent, syncRepository } from '../src/tasks/index.ts'
import { read, temporaryFolder, write } from './folder.ts'
import { runMirror } from './running-mirror.ts'

const database = useDatabase()

test('a version lists the files of the source, and the store has their content', async () => {
  await using mirror = await runMirror(database.url)
  const { tasking, store } = mirror
  const source = await mirror.source('a', { 'b/c.txt': 'c', 'b.txt': 'same', 'd.txt': 'same' })
  await write(source, { 'empty file': '' })
  await mkdir(join(source, 'empty folder'))

  const sync = await tasking.dispatch(syncRepository, { store, repository: 'a', source })
  const counts = { files: 4, new: 3, newBytes: 5, deduplicated: 1, bytes: 9, special: 0 }
  expect(await sync.result()).toMatchObject({ ...counts, version: 1, changed: true, vanished: 0 })

  const version = await readFile(join(store, 'repositories/a/versions/1.json'), 'utf8')
  expect(JSON.parse(version)).toEqual({
    repository: 'a',
    version: 1,
    files: [
      { path: 'b.txt', ...checksumOfText('same') },
      { path: 'b/c.txt', ...checksumOfText('c') },
      { path: 'd.txt', ...checksumOfText('same') },
      { path: 'empty file', ...checksumOfText('') },
    ],
  })
  expect(await read(join(store, 'content'))).toEqual(contentOf('', 'c', 'same'))
})

test('there is a next version only if something has changed', async () => {
  await using mirror = await runMirror(database.url)
  const { tasking, store } = mirror
  const source = await mirror.source('a', { one: '1', two: '2' })
  const sync = async () => {
    const task = await tasking.dispatch(syncRepository, { store, repository: 'a', source })
    return task.result()
  }
  expect(await sync()).toMatchObject({ version: 1, changed: true, new: 2 })
  expect(await sync()).toMatchObject({ version: 1, changed: false, new: 0, deduplicated: 2 })
  await write(source, { two: 'second', three: '1' })
  expect(await sync()).toMatchObject({ version: 2, changed: true, new: 1, deduplicated: 2 })
  rmSync(join(source, 'one'))
  expect(await sync()).toMatchObject({ version: 3, changed: true, files: 2 })
})

test('content that several repositories bring at once is stored once', async () => {
  await using mirror = await runMirror(database.url)
  const { tasking, store } = mirror
  const texts = Array.from({ length: 40 }, (_, i) => `text ${i}`)
  const names = ['a', 'b', 'c', 'd', 'e', 'f']
  const syncs = names.map(async (repository) => {
    const files = Object.fromEntries(texts.map((text) => [`${repository} ${text}`, text]))
    const source = await mirror.source(repository, files)
    const task = await tasking.dispatch(syncRepository, { store, repository, source })
    return task.result()
  })
  const results = await Promise.all(syncs)
  expect(results.reduce((sum, result) => sum + result.files, 0)).toBe(240)
  expect(results.reduce((sum, result) => sum + result.new, 0)).toBe(40)
  expect(await read(join(store, 'content'))).toEqual(contentOf(...texts))
  expect(await read(join(store, 'incoming'))).toEqual({})
})

test('links are left out, and lead neither outside nor round in circles', async () => {
  await using mirror = await runMirror(database.url)
  const { tasking, store } = mirror
  const outside = await mirror.source('outside', { secret: 'secret' })
  const source = await mirror.source('a', { 'folder/file': 'text' })
  await symlink(join(outside, 'secret'), join(source, 'to a file outside'))
  await symlink(outside, join(source, 'to a folder outside'))
  await symlink('.', join(source, 'folder', 'circle'))
  await symlink('nowhere', join(source, 'dangling'))
  const sync = await tasking.dispatch(syncRepository, { store, repository: 'a', source })
  expect(await sync.result()).toMatchObject({ files: 1, special: 4 })
})

test('what vanishes during the walk is left out', async () => {
  await using folder = await temporaryFolder()
  const store = await write(join(folder.path, 'store'), {})
  const source = await write(join(folder.path, 'source'), { a: '1', b: '2', 'c/d': '3', e: '4' })
  const { signal } = new AbortController()
  const { files, counts } = await snapshot(store, source, {
    signal,
    onFile: () => {
      rmSync(join(source, 'b'), { force: true })
      rmSync(join(source, 'c'), { force: true, recursive: true })
    },
  })
  expect(files.map(({ path }) => path)).toEqual(['a', 'e'])
  expect(counts).toMatchObject({ vanished: 2 })
})

test('a source that is not there does not pass for an empty one', async () => {
  await using mirror = await runMirror(database.url)
  const { tasking, store } = mirror
  const source = await mirror.source('a', { one: '1' })
  const first = await tasking.dispatch(syncRepository, { store, repository: 'a', source })
  await first.result()
  rmSync(source, { recursive: true })
  const second = await tasking.dispatch(syncRepository, { store, repository: 'a', source })
  await expect(second.result()).rejects.toThrow('ENOENT')
  expect(Object.keys(await read(join(store, 'repositories')))).toEqual(['a/versions/1.json'])
})

test('a store within its source is refused', async () => {
  await using folder = await temporaryFolder()
  const store = await write(join(folder.path, '..store'), {})
  const { signal } = new AbortController()
  const taken = snapshot(store, folder.path, { signal })
  await expect(taken).rejects.toThrow('it would mirror itself')
})

// Other systems refuse such a name, or make it a valid one.
test.runIf(process.platform === 'linux')('a source with unreadable files fails', async () => {
  await using mirror = await runMirror(database.url)
  const { tasking, store } = mirror
  const source = await mirror.source('a', { one: '1' })
  await writeFile(Buffer.from(`${source}/caf\xe9`, 'latin1'), 'text')
  const sync = await tasking.dispatch(syncRepository, { store, repository: 'a', source })
  await expect(sync.result()).rejects.toMatchObject({
    error: { code: 'source_unreadable', message: expect.stringContaining('caf\uFFFD (its name') },
  })
  expect(await read(join(store, 'repositories'))).toEqual({})
})

test('a sync that is canceled midway leaves whole content and no version', async () => {
  await using mirror = await runMirror(database.url)
  const { tasking, store } = mirror
  const source = await mirror.source('a', { a: '1', b: '2', huge: '' })
  // It takes no room, and longer to read than this test may take.
  await truncate(join(source, 'huge'), 2 ** 37)
  const sync = await tasking.dispatch(syncRepository, { store, repository: 'a', source })
  const content = join(store, 'content')
  await eventually(async () => Object.keys(await read(content)).length === 2, {
    what: 'the content of both small files',
  })
  await sync.cancel('no longer wanted')
  expect(await sync.finished()).toMatchObject({
    state: 'canceled',
    cancelReason: 'no longer wanted',
  })
  expect(await read(content)).toEqual(contentOf('1', '2'))
  expect(Object.keys(await read(store))).toHaveLength(2)

  const clean = await tasking.dispatch(cleanContent, { store })
  expect(await clean.result()).toMatchObject({ removed: 2, kept: 0 })
})

function contentOf(...texts: readonly string[]): Record<string, string> {
  const entries = texts.map((text) => [checksumOfText(text).sha256, text] as const)
  return Object.fromEntries(entries.map(([sum, text]) => [`${sum.slice(0, 2)}/${sum}`, text]))
}
