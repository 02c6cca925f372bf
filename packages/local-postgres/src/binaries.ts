import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { Account } from './account.ts'
import { copyBinaries } from './binary-copy.ts'
import { LocalPostgresError } from './error.ts'
import { findPlatformPackage, missingLinks } from './platform-package.ts'
import { type ProgramResult, runProgram } from './program.ts'

/** The programs of one PostgreSQL, tried and found to run. */
export interface Binaries {
  readonly initdb: string
  readonly pgCtl: string
  readonly postgres: string
  /** Such as `18.4`. */
  readonly version: string
}

/**
 * Finds programs that the account can run: those in `directory`, or else those from npm.
 *
 * @throws LocalPostgresError `unsupported_platform`, `binaries_missing`, `binaries_unusable`,
 * `directory_inaccessible` or `account_unavailable`
 */
export async function findBinaries(
  directory: string | undefined,
  account: Account | undefined,
): Promise<Binaries> {
  if (directory !== undefined) return givenBinaries(directory, account)

  const source = findPlatformPackage()
  if (missingLinks(source).length === 0) {
    const bin = join(source.nativeDirectory, 'bin')
    const attempt = await tryBinaries(bin, account)
    if (attempt.binaries) return attempt.binaries
    if (attempt.result.spawnError !== 'EACCES') throw unusable(bin, attempt.result)
  }
  return copiedBinaries(join(await copyBinaries(source), 'bin'), account)
}

async function givenBinaries(directory: string, account: Account | undefined): Promise<Binaries> {
  const { binaries, result } = await tryBinaries(directory, account)
  if (binaries) return binaries
  if (result.spawnError === 'ENOENT') {
    throw new LocalPostgresError('binaries_missing', `binDir: no postgres runs in ${directory}.`)
  }
  throw unusable(directory, result, account)
}

async function copiedBinaries(directory: string, account: Account | undefined): Promise<Binaries> {
  const { binaries, result } = await tryBinaries(directory, account)
  if (binaries) return binaries
  if (result.spawnError !== 'EACCES') throw unusable(directory, result)
  throw new LocalPostgresError(
    'directory_inaccessible',
    `PostgreSQL can't be run from ${tmpdir()}: ${whoCannot(account)} may not read it, ` +
      'or it is mounted noexec. Set TMPDIR to another directory.',
  )
}

type Attempt =
  | { readonly binaries: Binaries; readonly result: ProgramResult }
  | { readonly binaries: undefined; readonly result: ProgramResult }

// Running it is the only test that covers permissions, libraries and the architecture alike.
async function tryBinaries(directory: string, account: Account | undefined): Promise<Attempt> {
  const suffix = process.platform === 'win32' ? '.exe' : ''
  const postgres = join(directory, `postgres${suffix}`)
  const result = await runProgram(postgres, ['--version'], { account })
  const version = /PostgreSQL\) (\d[\w.]*)/.exec(result.output)?.[1]
  if (result.exitCode !== 0 || version === undefined) return { binaries: undefined, result }
  const initdb = join(directory, `initdb${suffix}`)
  const pgCtl = join(directory, `pg_ctl${suffix}`)
  return { binaries: { initdb, pgCtl, postgres, version }, result }
}

function unusable(directory: string, result: ProgramResult, account?: Account): LocalPostgresError {
  const reasons: Readonly<Record<string, string>> = {
    EACCES: `${whoCannot(account)} may not`,
    ENOENT: 'it needs glibc; on Alpine, install postgresql and set binDir',
  }
  const reason = reasons[result.spawnError ?? ''] ?? 'it fails'
  return new LocalPostgresError(
    'binaries_unusable',
    `The postgres in ${directory} can't be run, ${reason}: ${result.output.trim()}`,
  )
}

function whoCannot(account: Account | undefined): string {
  return account ? `uid ${account.uid}, which it runs as because root can't run it,` : 'this user'
}
