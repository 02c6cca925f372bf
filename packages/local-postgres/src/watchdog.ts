import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { Socket } from 'node:net'

import { spawnOptions } from './program.ts'
import type { ServerDirectory } from './data-directory.ts'

/**
 * A tiny process that outlives this one, to end the server and remove its directory after it.
 *
 * It reads a pipe whose other end only this process holds. The system closes that end however the
 * process ends, SIGKILL included, so that no handler of signals or of `exit` is needed.
 */
export interface Watchdog {
  /** Says which process is to end with this one; undefined for none. */
  guard(pid: number | undefined): void
  /** Lets it do its work now; resolves when it has. */
  release(): Promise<void>
}

// $1: PostgreSQL's data directory, $2: a directory to remove, or nothing. SIGQUIT is PostgreSQL's
// immediate shutdown, and lets initdb end its work in order. A server is gone when its lock file
// is, since a process without a parent may never be reaped.
const shellScript = `
while read -r line; do pid=$line; done
if [ -n "$pid" ]; then
  lock=$1/postmaster.pid
  [ -e "$lock" ] || lock=/
  kill -QUIT "$pid"
  tries=0
  while [ -e "$lock" ] && [ $tries -lt 200 ] && kill -0 "$pid"; do
    sleep 0.05
    tries=$((tries + 1))
  done
  kill -KILL "$pid"
fi
[ -z "$2" ] || rm -rf "$2" || { sleep 1; rm -rf "$2"; }
`

// Windows has no shell to count on; there, a server's other processes end when its first one does.
const nodeScript = `
const [directory] = process.argv.slice(2)
let pid
process.stdin.on('data', (text) => (pid = String(text).trimEnd().split('\\n').at(-1)))
process.stdin.on('end', () => {
  try { if (pid) process.kill(Number(pid), 'SIGKILL') } catch {}
  const retry = { recursive: true, force: true, maxRetries: 50 }
  if (directory) require('node:fs').rmSync(directory, retry)
})
`

/** Starts the watchdog of one server. */
export async function startWatchdog(directory: ServerDirectory): Promise<Watchdog> {
  const removed = directory.temporary ? directory.root : ''
  const [file, ...args] =
    process.platform === 'win32'
      ? [process.execPath, '-e', nodeScript, '--', removed]
      : ['/bin/sh', '-c', shellScript, 'watchdog', directory.data, removed]
  // Detached: Ctrl-C in a terminal reaches every process of the group, and it has to survive that.
  const child = spawn(file, args, {
    ...spawnOptions(directory.account),
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  await once(child, 'spawn')
  return new PipeWatchdog(child)
}

class PipeWatchdog implements Watchdog {
  readonly #child: ChildProcess
  readonly #ended: Promise<unknown>

  constructor(child: ChildProcess) {
    this.#child = child
    this.#ended = new Promise((resolve) => child.once('exit', resolve))
    // Somebody may have killed it; the server works without.
    child.stdin?.on('error', () => undefined)
    child.unref()
    if (child.stdin instanceof Socket) child.stdin.unref()
  }

  guard(pid: number | undefined): void {
    this.#child.stdin?.write(`${pid ?? ''}\n`)
  }

  async release(): Promise<void> {
    this.#child.ref()
    this.#child.stdin?.end()
    await this.#ended
  }
}
