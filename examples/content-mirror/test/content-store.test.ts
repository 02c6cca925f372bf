import { watch } from 'node:fs'
import { readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checksumOfText } from '../src/checksum.ts'
import { contentPath, removeContentExcept, storeContent } from '../src/content-store.ts'
import { removeDrafts } from '../src/draft.ts'
import { read, temporaryFolder, write } from './folder.ts'

test('a copy that is aborted leaves nothing', async () => {
  await using folder = await temporaryFolder()
  const store = await write(join(folder.path, 'store'), { 'incoming/left': 'by a killed process' })
  const file = join(folder.path, 'file')
  await writeFile(file, '')
  await truncate(file, 2 ** 27)
  const abort = new AbortController()
  const drafts = watch(join(store, 'incoming'), () => abort.abort(new Error('enough')))
  await expect(storeContent(store, file, abort.signal)).rejects.toThrow('enough')
  drafts.close()
  expect(await read(store)).toEqual({ 'incoming/left': 'by a killed process' })
  expect(await removeDrafts(store)).toBe(1)
  expect(await read(store)).toEqual({})
})

test('content is stored once, under its checksum', async () => {
  await using folder = await temporaryFolder()
  const { signal } = new AbortController()
  const source = await write(join(folder.path, 'source'), { a: 'same', b: 'same', c: 'other' })
  const store = join(folder.path, 'store')
  const names = ['a', 'a', 'b', 'c']
  const stored = await Promise.all(
    names.map((name) => storeContent(store, join(source, name), signal)),
  )
  expect(stored.filter(({ isNew }) => isNew)).toHaveLength(2)
  const [same, other] = [checksumOfText('same'), checksumOfText('other')]
  expect(stored.map(({ sha256 }) => sha256)).toEqual(
    [same, same, same, other].map(({ sha256 }) => sha256),
  )
  expect(await readFile(contentPath(store, same.sha256), 'utf8')).toBe('same')

  const needed = new Set([other.sha256])
  const removed = await removeContentExcept(store, needed, signal)
  expect(removed).toEqual({ removed: 1, removedBytes: 4, kept: 1 })
  expect(Object.values(await read(join(store, 'content')))).toEqual(['other'])
})
