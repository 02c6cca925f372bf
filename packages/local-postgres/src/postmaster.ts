import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { open, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

import type { Binaries } from './binaries.ts'
import type { ServerDirectory } from './data-directory.ts'
import { LocalPostgresError } from './error.ts'
import { runProgram, spawnOptions } from './program.ts'

/** How PostgreSQL is told to end: cleanly, or at once and in need of recovery. */
export type ShutdownMode = 'fast' | 'immediate'

const signals = { fast: 'SIGINT', immediate: 'SIGQUIT' } as const

const startDeadlineMs = 60_000
const shutdownDeadlineMs = { fast: 20_000, immediate: 10_000 } as const

/** The first process of a running server; its end is the end of the server. */
export class Postmaster {
  readonly pid: number
  readonly #child: ChildProcess
  readonly #exited: Promise<void>
  readonly #binaries: Binaries
  readonly #directory: ServerDirectory

  private constructor(child: ChildProcess, pid: number, binaries: Binaries, at: ServerDirectory) {
    this.pid = pid
    this.#child = child
    this.#exited = new Promise((resolve) => child.once('exit', () => resolve()))
    this.#binaries = binaries
    this.#directory = at
    // A server that is still running shall not keep the program from ending.
    child.unref()
  }

  /**
   * Starts a server on a data directory, and waits until it accepts connections.
   *
   * @param onSpawn told the process id before anything else happens
   * @throws LocalPostgresError `port_taken`, `start_failed`
   */
  static async start(
    binaries: Binaries,
    directory: ServerDirectory,
    port: number,
    onSpawn: (pid: number) => void,
  ): Promise<Postmaster> {
    const log = await open(directory.logFile, 'a')
    try {
      const { size } = await log.stat()
      const child = spawn(binaries.postgres, ['-D', directory.data, '-p', String(port)], {
        ...spawnOptions(directory.account),
        // A file, since a pipe would fill up, and stop the server, when this process is busy.
        stdio: ['ignore', log.fd, log.fd],
        // Ctrl-C in a terminal is for the program, which may need the server to end properly.
        detached: true,
      })
      if (child.pid !== undefined) onSpawn(child.pid)
      await once(child, 'spawn')
      const postmaster = new Postmaster(child, child.pid ?? 0, binaries, directory)
      await postmaster.#becomeReady(port, size)
      return postmaster
    } finally {
      await log.close()
    }
  }

  /** Whether the process has ended, by whatever cause. */
  get ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  /** Ends the server, by force if it doesn't obey; resolves when the process is gone. */
  async shutdown(mode: ShutdownMode): Promise<void> {
    if (this.ended) return
    this.#child.ref()
    await this.#tell(mode)
    if (await this.#exitWithin(shutdownDeadlineMs[mode])) return
    if (mode === 'fast') return this.shutdown('immediate')
    this.#child.kill('SIGKILL')
    await this.#exited
  }

  async #tell(mode: ShutdownMode): Promise<void> {
    if (process.platform !== 'win32') {
      this.#child.kill(signals[mode])
      return
    }
    // Windows has no signals; pg_ctl uses PostgreSQL's substitute for them.
    const args = ['stop', '-D', this.#directory.data, '-m', mode, '--no-wait']
    await runProgram(this.#binaries.pgCtl, args, { account: undefined })
  }

  async #exitWithin(ms: number): Promise<boolean> {
    const deadline = new AbortController()
    const timeout = delay(ms, undefined, { signal: deadline.signal }).catch(() => undefined)
    await Promise.race([this.#exited, timeout])
    deadline.abort()
    return this.ended
  }

  async #becomeReady(port: number, logStart: number): Promise<void> {
    const deadline = Date.now() + startDeadlineMs
    while (!(await this.#isReady())) {
      if (this.ended) throw startError(await readFrom(this.#directory.logFile, logStart), port)
      if (Date.now() > deadline) {
        await this.shutdown('immediate')
        const log = tail(await readFrom(this.#directory.logFile, logStart))
        const seconds = startDeadlineMs / 1000
        throw new LocalPostgresError('start_failed', `Not ready after ${seconds} s:\n${log}`)
      }
      await delay(10)
    }
  }

  // The lock file's first line is the process id, its eighth the state; pg_ctl reads the same.
  async #isReady(): Promise<boolean> {
    const file = join(this.#directory.data, 'postmaster.pid')
    const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n')
    return Number(lines[0]) === this.pid && lines[7]?.trim() === 'ready'
  }
}

/** Whether a start failed since processes of a server that was killed have not ended yet. */
export function isStillInUse(error: unknown): boolean {
  return error instanceof LocalPostgresError && /shared memory .* still in use/.test(error.message)
}

function startError(log: string, port: number): LocalPostgresError {
  return /could not bind .* address/.test(log)
    ? new LocalPostgresError('port_taken', `Port ${port} is in use already.`)
    : new LocalPostgresError('start_failed', `PostgreSQL ended while starting:\n${tail(log)}`)
}

async function readFrom(file: string, position: number): Promise<string> {
  const { size } = await stat(file)
  const handle = await open(file)
  try {
    const length = Math.max(0, size - position)
    const { buffer } = await handle.read(Buffer.alloc(length), 0, length, position)
    return buffer.toString('utf8')
  } finally {
    await handle.close()
  }
}

function tail(log: string): string {
  return log.trimEnd().split('\n').slice(-20).join('\n')
}
