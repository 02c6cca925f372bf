import { execFile } from 'node:child_process'
import { cp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { useDatabase } from '@tasking/testbed'
import { expect, test } from 'vitest'
import { publicationPath } from '../src/publication.ts'
import { publishRepository, syncRepository, verifyPublication } from '../src/tasks/index.ts'
import { read } from './folder.ts'
import type { Files } from './folder.ts'
import { runMirror } from './running-mirror.ts'
import type { RunningMirror } from './running-mirror.ts'

const database = useDatabase()
const repository = 'a'

/** Syncs and publishes; what waits for what is told by the resources alone. */
async function publish(mirror: RunningMirror, files: Files) {
  const { tasking, store } = mirror
  const source = await mirror.source(repository, files)
  await tasking.dispatch(syncRepository, { store, repository, source })
  return tasking.dispatch(publishRepository, { store, repository })
}

const oddNames: Files = {
  'plain.txt': 'plain',
  empty: '',
  ' spaces ': 'spaces',
  '-': 'dash',
  '--check': 'option',
  '*': 'star',
  'new\nline': 'new line',
  'carriage return\r': 'carriage return',
  'back\\slash': 'backslash',
  'back\\nslash': 'not a new line',
  '日本/ünï': 'unicode',
  '$(exit 1)`"\'': 'shell',
  '.hidden/..deep/er': 'deep',
  SHA256SUMS: 'not the checksums',
  'files/x': 'not the published files',
  __proto: 'not the prototype',
}

test('a publication holds the files, and checksums that sha256sum accepts', async () => {
  await using mirror = await runMirror(database.url)
  const { tasking, store } = mirror
  const published = await publish(mirror, oddNames)
  const files = Object.keys(oddNames).length
  expect(await published.result()).toEqual({ repository, version: 1, files })
  expect(await read(join(publicationPath(store, repository, 1), 'files'))).toEqual(oddNames)

  const verify = await tasking.dispatch(verifyPublication, { store, repository })
  expect(await verify.result()).toEqual({ repository, version: 1, files })

  const cwd = publicationPath(store, repository, 1)
  const check = await promisify(execFile)('sha256sum', ['--check', '--strict', 'SHA256SUMS'], {
    cwd,
  })
  expect(check.stdout.match(/: OK$/gm)).toHaveLength(files)
})

test('a verification names every bad file, and publishing again repairs them', async () => {
  await using mirror = await runMirror(database.url)
  const { tasking, store } = mirror
  const published = await publish(mirror, { changed: '1', missing: '2', good: '3', 'deep/er': '4' })
  await published.result()
  const place = publicationPath(store, repository, 1)
  // Replaced, not written to: the file shares its bytes with the content.
  await rm(join(place, 'files/changed'))
  await writeFile(join(place, 'files/changed'), '!')
  await rm(join(place, 'files/missing'))
  await cp(join(place, 'files/deep'), join(place, 'files/more'), { recursive: true })
  await rm(join(place, 'SHA256SUMS'))

  const verify = await tasking.dispatch(verifyPublication, { store, repository })
  const { state, error } = await verify.finished()
  expect([state, error?.code]).toEqual(['failed', 'publication_damaged'])
  expect(error?.message).toBe(
    'a, version 1: 4 bad files: changed: files/changed, not listed: files/more/er, ' +
      'missing: files/missing, missing: SHA256SUMS',
  )

  await tasking.dispatch(publishRepository, { store, repository })
  const again = await tasking.dispatch(verifyPublication, { store, repository })
  expect(await again.result()).toMatchObject({ version: 1, files: 4 })
})

test('a new version leaves the publications before it alone', async () => {
  await using mirror = await runMirror(database.url)
  const { store } = mirror
  const first = await publish(mirror, { file: 'before' })
  await first.result()
  const second = await publish(mirror, { file: 'after' })
  expect(await second.result()).toMatchObject({ version: 2 })
  expect(await read(join(publicationPath(store, repository, 1), 'files'))).toEqual({
    file: 'before',
  })
  expect(await read(join(publicationPath(store, repository, 2), 'files'))).toEqual({
    file: 'after',
  })
})

test('an empty folder has an empty version, published and verified', async () => {
  await using mirror = await runMirror(database.url)
  const { tasking, store } = mirror
  const published = await publish(mirror, {})
  expect(await published.result()).toEqual({ repository, version: 1, files: 0 })
  const verify = await tasking.dispatch(verifyPublication, { store, repository })
  expect(await verify.result()).toEqual({ repository, version: 1, files: 0 })
  expect(await read(publicationPath(store, repository, 1))).toEqual({ SHA256SUMS: '' })
})

test('there is nothing to publish or to verify before the first version', async () => {
  await using mirror = await runMirror(database.url)
  const { tasking, store } = mirror
  const publication = await tasking.dispatch(publishRepository, { store, repository })
  await expect(publication.result()).rejects.toThrow('a has no version yet')
  const verify = await tasking.dispatch(verifyPublication, { store, repository })
  await expect(verify.result()).rejects.toThrow('a has no publication yet')
})
