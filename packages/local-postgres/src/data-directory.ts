import { randomBytes } from 'node:crypto'
import { existsSync, statfsSync } from 'node:fs'
import { appendFile, chown, mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

import { type Account, serverAccount } from './account.ts'
import type { Binaries } from './binaries.ts'
import { LocalPostgresError } from './error.ts'
import { runProgram } from './program.ts'

/** Where one server keeps its files. */
export interface ServerDirectory {
  readonly root: string
  /** PostgreSQL's own data directory, below the root. */
  readonly data: string
  readonly logFile: string
  /** Whether the root is removed when the server stops. */
  readonly temporary: boolean
  /** Whom the data belongs to, where that isn't the current account. */
  readonly account: Account | undefined
}

const memoryDirectory = '/dev/shm'
// In containers it often has 64 MB, which is less than an empty server takes.
const roomInMemory = 2 * 1024 ** 3

const settingsFile = 'local-postgres.conf'

/** The account that a server has to run as; see `serverAccount`. */
export function accountFor(given: string | undefined): Account | undefined {
  return serverAccount(given === undefined ? undefined : dataBelow(resolve(given)))
}

/** Names the directory of a server: the given one, or one that is to be removed in the end. */
export function serverDirectory(
  given: string | undefined,
  account: Account | undefined,
  durable: boolean,
): ServerDirectory {
  const temporary = given === undefined
  const root = resolve(given ?? temporaryName(durable ? tmpdir() : fastTemporaryDirectory()))
  return { root, data: dataBelow(root), logFile: join(root, 'postgres.log'), temporary, account }
}

/** Makes the root directory. */
export async function makeRoot({ root, temporary, account }: ServerDirectory): Promise<void> {
  if (!temporary) {
    await mkdir(root, { recursive: true })
    return
  }
  await mkdir(root, { mode: 0o700 })
  // The account has to enter it, and its watchdog to remove it.
  await giveTo(account, root)
}

/**
 * Fills the data directory, unless an earlier server has: superuser `postgres`, UTF8, locale C.
 *
 * @throws LocalPostgresError `initdb_failed` or `directory_inaccessible`
 */
export async function initializeData(
  directory: ServerDirectory,
  { initdb }: Binaries,
  options: { durable: boolean; onSpawn: (pid: number) => void },
): Promise<void> {
  if (existsSync(join(directory.data, 'PG_VERSION'))) return
  // Renamed when complete, so that what an interrupted run leaves is never taken for data.
  const draft = `${directory.data}.draft`
  await rm(draft, { recursive: true, force: true })
  await mkdir(draft, { mode: 0o700 })
  await giveTo(directory.account, draft)

  const identity = ['--username=postgres', '--auth=trust', '--encoding=UTF8', '--locale=C']
  const speed = options.durable ? ['--no-instructions'] : ['--no-instructions', '--no-sync']
  const args = ['-D', draft, ...identity, ...speed]
  const { exitCode, output } = await runProgram(initdb, args, {
    account: directory.account,
    onSpawn: options.onSpawn,
  })
  if (exitCode !== 0) throw initdbError(directory, output)
  await appendFile(join(draft, 'postgresql.conf'), `\ninclude = '${settingsFile}'\n`)
  await rename(draft, directory.data)
}

/** Writes the settings, and lets everybody in who comes from this machine's own address. */
export async function configureData(directory: ServerDirectory, settings: string): Promise<void> {
  const rules = 'host all all 127.0.0.1/32 trust\nhost replication all 127.0.0.1/32 trust\n'
  for (const [name, content] of [
    [settingsFile, settings],
    ['pg_hba.conf', rules],
  ] as const) {
    const file = join(directory.data, name)
    await writeFile(file, content, { mode: 0o600 })
    await giveTo(directory.account, file)
  }
}

function temporaryName(parent: string): string {
  return join(parent, `local-postgres-${randomBytes(6).toString('hex')}`)
}

// Data that need not last need not wait for a disk that others keep busy either.
function fastTemporaryDirectory(): string {
  if (process.platform !== 'linux' || process.env['TMPDIR'] !== undefined) return tmpdir()
  try {
    const { bavail, bsize } = statfsSync(memoryDirectory)
    return bavail * bsize >= roomInMemory ? memoryDirectory : tmpdir()
  } catch {
    return tmpdir()
  }
}

function dataBelow(root: string): string {
  return join(root, 'data')
}

function initdbError({ account, root }: ServerDirectory, output: string): LocalPostgresError {
  if (account && output.includes('Permission denied')) {
    return new LocalPostgresError(
      'directory_inaccessible',
      `PostgreSQL runs as uid ${account.uid}, because root can't run it, and that user can't ` +
        `enter ${root}. Set TMPDIR, or the option "directory", to a place that it can enter.`,
    )
  }
  return new LocalPostgresError('initdb_failed', `initdb failed in ${root}:\n${output.trim()}`)
}

async function giveTo(account: Account | undefined, path: string): Promise<void> {
  // A uid such as macOS's -2 is given to chown as the unsigned number that it stands for.
  if (account) await chown(path, account.uid >>> 0, account.gid >>> 0)
}
