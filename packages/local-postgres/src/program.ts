import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

import type { Account } from './account.ts'
import { LocalPostgresError } from './error.ts'

/** How a program ended. */
export interface ProgramResult {
  /** Null when a signal ended it, or when it could not be started. */
  readonly exitCode: number | null
  /** Everything it wrote, standard output and standard error together. */
  readonly output: string
  /** Why it could not be started, such as `ENOENT` or `EACCES`. */
  readonly spawnError?: string
}

/** What a spawned program is given besides its arguments. */
export interface ProgramOptions {
  readonly account: Account | undefined
  /** Told the process id as soon as there is one. */
  readonly onSpawn?: (pid: number) => void
}

/**
 * Runs a program to its end.
 *
 * @throws LocalPostgresError `account_unavailable` when the account can't be switched to.
 */
export async function runProgram(
  file: string,
  args: readonly string[],
  { account, onSpawn }: ProgramOptions,
): Promise<ProgramResult> {
  let child: ChildProcess
  try {
    child = spawn(file, args, { ...spawnOptions(account), stdio: ['ignore', 'pipe', 'pipe'] })
  } catch (error) {
    return unstarted(error, account)
  }
  let output = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text))
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (output += text))
  if (child.pid !== undefined) onSpawn?.(child.pid)
  try {
    const [exitCode] = (await once(child, 'close')) as [number | null]
    return { exitCode, output }
  } catch (error) {
    return unstarted(error, account)
  }
}

/** What every program of the server is spawned with. */
export function spawnOptions(account: Account | undefined): {
  cwd: string
  env: NodeJS.ProcessEnv
  windowsHide: boolean
  uid?: number
  gid?: number
} {
  // The current directory may be one that the account can't enter, and initdb insists on its own.
  return { cwd: '/', env: environment(), windowsHide: true, ...account }
}

/** The environment without what would change the server's settings or the language of its log. */
function environment(): NodeJS.ProcessEnv {
  const foreign = /^(PG|LC_|LANG|TZ$|NODE_)/i
  const kept = Object.entries(process.env).filter(([name]) => !foreign.test(name))
  return { ...Object.fromEntries(kept), LC_ALL: 'C', TZ: 'UTC' }
}

function unstarted(error: unknown, account: Account | undefined): ProgramResult {
  if (!(error instanceof Error)) throw error
  const spawnError = String((error as NodeJS.ErrnoException).code)
  if (account && (spawnError === 'EPERM' || spawnError === 'EINVAL')) {
    throw new LocalPostgresError(
      'account_unavailable',
      `PostgreSQL can't run as root, and this system does not let root become uid ${account.uid} ` +
        `(${spawnError}). Run this program as another user.`,
      { cause: error },
    )
  }
  return { exitCode: null, output: error.message, spawnError }
}
