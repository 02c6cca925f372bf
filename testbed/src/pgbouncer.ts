import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants } from 'node:fs'
import { chown, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

import { freePort } from '@tasking/local-postgres'

import { eventually } from './eventually.ts'

export interface PgBouncerOptions {
  /** The server behind it, by any of its databases. */
  readonly url: string
  /** Connections to the server, per database and user. Default 20. */
  readonly poolSize?: number
  /** How long a client keeps a connection to the server. Default `transaction`. */
  readonly mode?: 'transaction' | 'session'
  /** Further settings of pgbouncer.ini; they win over those that are made here. */
  readonly settings?: Readonly<Record<string, string | number>>
}

/** A running PgBouncer that leads to every database of one server. */
export interface PgBouncer extends AsyncDisposable {
  /** The URL that was given, by way of PgBouncer. */
  readonly url: string
  readonly port: number
  /** Ends it, and every connection through it. Idempotent. */
  stop(): Promise<void>
}

// PgBouncer refuses to run as root.
const account = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {}

// The shell reads a pipe that ends with this process, so that PgBouncer never outlives it.
const shellScript = '"$1" "$2" </dev/null >"$3" 2>&1 & read -r _; kill -KILL $!; wait; rm -rf "$4"'

const listening = 'listening'

/**
 * Whether PgBouncer is installed, for `skipIf`.
 *
 * @param directories where to look; default PATH, and where Debian keeps it
 * @throws Error when it isn't, and TASKING_REQUIRE_PGBOUNCER says that it must be
 */
export function pgBouncerAvailable(directories: readonly string[] = searchPath()): boolean {
  if (findPgBouncer(directories) !== undefined) return true
  if (process.env['TASKING_REQUIRE_PGBOUNCER']) {
    throw new Error('TASKING_REQUIRE_PGBOUNCER is set, but pgbouncer is not installed.')
  }
  return false
}

/** Starts PgBouncer on a free port of 127.0.0.1; it asks for no password. */
export async function startPgBouncer(options: PgBouncerOptions): Promise<PgBouncer> {
  const binary = findPgBouncer(searchPath())
  if (binary === undefined) throw new Error('pgbouncer is not installed.')
  const directory = await mkdtemp(join(tmpdir(), 'tasking-pgbouncer-'))
  const logFile = join(directory, 'pgbouncer.log')
  const port = await freePort()
  const configuration = await configure(directory, port, options)

  const args = ['-c', shellScript, 'pgbouncer', binary, configuration, logFile, directory]
  const shell = spawn('/bin/sh', args, {
    ...account,
    cwd: '/',
    stdio: ['pipe', 'ignore', 'ignore'],
    // Ctrl-C in a terminal is for the program, which may need PgBouncer to end properly.
    detached: true,
  })
  const ended = once(shell, 'exit')
  const stop = async (): Promise<void> => {
    shell.stdin.end()
    await ended
  }
  try {
    const what = 'PgBouncer to listen'
    const failure = await eventually(() => outcome(port, logFile), { what })
    if (failure !== listening) throw new Error(`PgBouncer does not start: ${failure}`)
  } catch (error) {
    await stop()
    throw error
  }
  const url = new URL(options.url)
  url.host = `127.0.0.1:${port}`
  return { url: url.href, port, stop, [Symbol.asyncDispose]: stop }
}

async function configure(
  directory: string,
  port: number,
  { url, poolSize = 20, mode = 'transaction', settings = {} }: PgBouncerOptions,
): Promise<string> {
  const server = new URL(url)
  const user = decodeURIComponent(server.username)
  const users = join(directory, 'users.txt')
  const configuration = join(directory, 'pgbouncer.ini')
  const password = decodeURIComponent(server.password)
  await writeFile(users, `${quote(user)} ${quote(password)}\n`, { mode: 0o600 })
  const lines = [
    '[databases]',
    `* = host=${server.hostname} port=${server.port || 5432}`,
    '[pgbouncer]',
    'listen_addr = 127.0.0.1',
    `listen_port = ${port}`,
    'unix_socket_dir =',
    'auth_type = trust',
    `auth_file = ${users}`,
    `admin_users = ${user}`,
    `pool_mode = ${mode}`,
    `default_pool_size = ${poolSize}`,
    'max_client_conn = 500',
    'ignore_startup_parameters = extra_float_digits',
    ...Object.entries(settings).map(([name, value]) => `${name} = ${value}`),
  ]
  await writeFile(configuration, `${lines.join('\n')}\n`, { mode: 0o600 })
  if (account.uid !== undefined) {
    for (const path of [directory, users, configuration]) {
      await chown(path, account.uid, account.gid)
    }
  }
  return configuration
}

async function outcome(port: number, logFile: string): Promise<string | undefined> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return listening
  } catch {
    return /FATAL.*/.exec(await readFile(logFile, 'utf8').catch(() => ''))?.[0]
  } finally {
    socket.destroy()
  }
}

function quote(word: string): string {
  return `"${word.replaceAll('"', '""')}"`
}

function searchPath(): string[] {
  return [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin']
}

function findPgBouncer(directories: readonly string[]): string | undefined {
  return directories.map((directory) => join(directory, 'pgbouncer')).find(isExecutable)
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
