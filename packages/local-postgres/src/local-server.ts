import { rm } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'

import { findBinaries, type Binaries } from './binaries.ts'
import {
  accountFor,
  configureData,
  initializeData,
  makeRoot,
  serverDirectory,
  type ServerDirectory,
} from './data-directory.ts'
import { createDatabase, type CreateDatabaseOptions, dropDatabase } from './database.ts'
import { LocalPostgresError } from './error.ts'
import { freePort } from './free-port.ts'
import type { LocalPostgres, LocalPostgresOptions } from './local-postgres.ts'
import { followLog, type LogFollower } from './log-follower.ts'
import { isStillInUse, Postmaster } from './postmaster.ts'
import { formatSettings, serverSettings } from './server-settings.ts'
import { startWatchdog, type Watchdog } from './watchdog.ts'

const portAttempts = 5
const leftoverDeadlineMs = 15_000

/** What a server is made of before its first process runs. */
interface Parts {
  readonly directory: ServerDirectory
  readonly binaries: Binaries
  readonly watchdog: Watchdog
}

/** One server, from its first start to its end. */
export class LocalServer implements LocalPostgres {
  readonly #parts: Parts
  #port: number
  #log: LogFollower | undefined
  #postmaster: Postmaster | undefined
  /** Each operation waits for the one before. */
  #turn: Promise<unknown> = Promise.resolve()
  #stopped: Promise<void> | undefined

  private constructor(parts: Parts, port: number) {
    this.#parts = parts
    this.#port = port
  }

  static async start(options: LocalPostgresOptions): Promise<LocalServer> {
    const { durable = true, maxConnections = 200 } = options
    const settings = formatSettings(serverSettings(durable, maxConnections, options.settings ?? {}))
    const account = accountFor(options.directory)
    const binaries = await findBinaries(options.binDir, account)
    const directory = serverDirectory(options.directory, account, durable)
    // Before anything is there that it would have to remove.
    const watchdog = await startWatchdog(directory)
    const server = new LocalServer({ directory, binaries, watchdog }, options.port ?? 0)
    try {
      await makeRoot(directory)
      if (options.onLog) server.#log = await followLog(directory.logFile, options.onLog)
      const onSpawn = (pid: number): void => watchdog.guard(pid)
      await initializeData(directory, binaries, { durable, onSpawn })
      watchdog.guard(undefined)
      await configureData(directory, settings)
      await server.#begin()
      return server
    } catch (error) {
      await server.stop()
      throw error
    }
  }

  get url(): string {
    return `postgres://postgres@127.0.0.1:${this.#port}/postgres`
  }

  get port(): number {
    return this.#port
  }

  get version(): string {
    return this.#parts.binaries.version
  }

  get pid(): number | undefined {
    return this.#postmaster?.ended === false ? this.#postmaster.pid : undefined
  }

  get logFile(): string {
    return this.#parts.directory.logFile
  }

  createDatabase(name?: string, options?: CreateDatabaseOptions): Promise<string> {
    return createDatabase(this.url, name, options)
  }

  dropDatabase(name: string): Promise<void> {
    return dropDatabase(this.url, name)
  }

  kill(): Promise<void> {
    return this.#inTurn(() => this.#end('immediate'))
  }

  restart(): Promise<void> {
    if (this.#stopped) {
      const message = 'This PostgreSQL server was stopped for good; start another one.'
      return Promise.reject(new LocalPostgresError('stopped', message))
    }
    return this.#inTurn(async () => {
      await this.#end('fast')
      await this.#startOnPort()
    })
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#inTurn(async () => {
      const { directory, watchdog } = this.#parts
      // Data that is thrown away needs no clean ending.
      await this.#end(directory.temporary ? 'immediate' : 'fast')
      await this.#log?.stop()
      await watchdog.release()
      // The watchdog has done this, unless somebody killed it.
      await removeTemporary(directory)
    })
    return this.#stopped
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  // A free port can be taken by another program before the server gets there.
  async #begin(): Promise<void> {
    if (this.#port !== 0) return this.#startOnPort()
    for (let attempt = 1; ; attempt += 1) {
      this.#port = await freePort()
      try {
        return await this.#startOnPort()
      } catch (error) {
        const taken = error instanceof LocalPostgresError && error.code === 'port_taken'
        if (!taken || attempt === portAttempts) throw error
      }
    }
  }

  async #startOnPort(): Promise<void> {
    const { binaries, directory, watchdog } = this.#parts
    for (const deadline = Date.now() + leftoverDeadlineMs; ; await delay(100)) {
      try {
        this.#postmaster = await Postmaster.start(binaries, directory, this.#port, (pid) =>
          watchdog.guard(pid),
        )
        return
      } catch (error) {
        watchdog.guard(undefined)
        if (!isStillInUse(error) || Date.now() > deadline) throw error
      }
    }
  }

  async #end(mode: 'fast' | 'immediate'): Promise<void> {
    await this.#postmaster?.shutdown(mode)
    this.#parts.watchdog.guard(undefined)
  }

  #inTurn(operation: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(operation)
    this.#turn = turn.catch(() => undefined)
    return turn
  }
}

async function removeTemporary({ root, temporary }: ServerDirectory): Promise<void> {
  if (temporary) await rm(root, { recursive: true, force: true })
}
