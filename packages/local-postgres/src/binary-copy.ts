import { lstatSync, readdirSync, statSync } from 'node:fs'
import { chmod, cp, mkdtemp, readdir, rename, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'

import { LocalPostgresError } from './error.ts'
import { missingLinks, type PlatformPackage } from './platform-package.ts'

/**
 * A copy of the package's native directory that any account can run, with its links in place.
 *
 * It lies in the system's temporary directory, one per version and user, and stays there for the
 * next time. Safe with several processes at once: each copies under a name of its own, and the
 * first to rename it wins.
 *
 * @returns the directory with `bin`, `lib` and `share`
 * @throws LocalPostgresError `binaries_unusable` when others hold every place for the copy
 */
export async function copyBinaries(
  source: PlatformPackage,
  parent: string = tmpdir(),
): Promise<string> {
  const suffix = source.name.slice(source.name.indexOf('/') + 1)
  const name = `local-postgres-${source.version}-${suffix}-${process.getuid?.() ?? 'user'}`
  const base = join(parent, name)
  for (const place of [base, `${base}-1`, `${base}-2`, `${base}-3`]) {
    if (!lstatSync(place, { throwIfNoEntry: false })) await copyTo(place, source)
    if (isOwn(place) && isComplete(place, source)) return place
    // Left alone even so: another server may be running from what is there.
  }
  throw new LocalPostgresError(
    'binaries_unusable',
    `${base} is where the PostgreSQL binaries are to be copied, but it and its like belong to ` +
      'others, or are damaged. Remove them, or set TMPDIR to another directory.',
  )
}

async function copyTo(place: string, source: PlatformPackage): Promise<void> {
  const draft = await mkdtemp(`${place}.draft-`)
  try {
    await cp(source.nativeDirectory, draft, { recursive: true, verbatimSymlinks: true })
    const links = missingLinks(source)
    await Promise.all(links.map(({ path, target }) => symlink(target, join(draft, path))))
    await openToAll(draft)
    await rename(draft, place)
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    // A place that is taken by now was taken by a process that was faster.
    if (!lstatSync(place, { throwIfNoEntry: false })) throw error
  }
}

// The place has a name that can be guessed, and what lies there gets executed.
function isOwn(place: string): boolean {
  const user = process.getuid?.()
  const stats = lstatSync(place)
  return (
    stats.isDirectory() && (user === undefined || (stats.uid === user && !(stats.mode & 0o022)))
  )
}

// A cleaner of old temporary files may have left only a part of an earlier copy.
function isComplete(place: string, { nativeDirectory }: PlatformPackage): boolean {
  return readdirSync(nativeDirectory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(nativeDirectory, join(entry.parentPath, entry.name)))
    .every((file) => {
      const copy = statSync(join(place, file), { throwIfNoEntry: false })
      return copy?.size === statSync(join(nativeDirectory, file)).size
    })
}

// The package manager, or a strict umask, may have left files that only their owner can read.
async function openToAll(directory: string): Promise<void> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const executables = join(directory, 'bin')
  for (const entry of entries) {
    const executable = entry.isDirectory() || entry.parentPath === executables
    const path = join(entry.parentPath, entry.name)
    if (!entry.isSymbolicLink()) await chmod(path, executable ? 0o755 : 0o644)
  }
  await chmod(directory, 0o755)
}
