import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

export interface SpawnNodeOptions {
  /** Added to this process's environment; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly cwd?: string
}

/** How a process ended: with a code, or by a signal. */
export interface ProcessEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A Node process under test. Dispose of it: that kills it if it still runs. */
export interface TestProcess extends AsyncDisposable {
  readonly pid: number
  /** All lines so far, of standard output and standard error in the order of their arrival. */
  readonly lines: readonly string[]
  /** Resolves when it has ended and its output is complete. */
  readonly exit: Promise<ProcessEnd>
  /**
   * The first line that matches, be it there already or still to come.
   *
   * @param timeout in milliseconds; default 40 000
   * @throws Error with the output when the process ends before, or the time is over
   */
  waitForLine(pattern: RegExp, timeout?: number): Promise<string>
  /** Sends a signal; default SIGKILL. */
  kill(signal?: NodeJS.Signals): void
}

/** Whether a process runs; one that has ended and that nobody has taken notice of doesn't. */
export function isAlive(pid: number): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' })
  return /^[^Z]/.test(stdout)
}

/** Runs a script, TypeScript included, in a Node process of its own. */
export function spawnNode(
  script: string | URL,
  args: readonly string[] = [],
  { env, cwd }: SpawnNodeOptions = {},
): TestProcess {
  const path = script instanceof URL ? fileURLToPath(script) : script
  const child = spawn(process.execPath, [path, ...args], {
    cwd,
    // Colors would get in the way of patterns.
    env: { ...process.env, FORCE_COLOR: undefined, NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines: string[] = []
  const listeners = new Set<() => void>()
  const collect = (stream: Readable): void => {
    createInterface(stream).on('line', (line) => {
      lines.push(line)
      for (const listener of listeners) listener()
    })
  }
  collect(child.stdout)
  collect(child.stderr)

  const closed = new Promise((resolve) => child.once('close', resolve))
  const exit = once(child, 'exit').then(async ([code, signal]): Promise<ProcessEnd> => {
    // A process that it has started may hold its output open for longer.
    await Promise.race([closed, delay(1000, undefined, { ref: false })])
    return { code: code as number | null, signal: signal as NodeJS.Signals | null }
  })
  exit.catch(() => undefined)

  const waitForLine = (pattern: RegExp, timeout = 40_000): Promise<string> =>
    new Promise((resolve, reject) => {
      const fail = (why: string): void => {
        settle()
        const output = lines.map((line) => `  ${line}\n`).join('')
        reject(new Error(`${why}; no line matched ${pattern}. Its output:\n${output}`))
      }
      const look = (): void => {
        const line = lines.find((candidate) => candidate.search(pattern) >= 0)
        if (line === undefined) return
        settle()
        resolve(line)
      }
      const timer = setTimeout(() => fail(`${path} took more than ${timeout} ms`), timeout)
      const settle = (): void => {
        clearTimeout(timer)
        listeners.delete(look)
      }
      listeners.add(look)
      look()
      exit.then(
        ({ code, signal }) => fail(`${path} ended with ${signal ?? `code ${code}`}`),
        (error: unknown) => fail(`${path} could not be run: ${String(error)}`),
      )
    })

  return {
    pid: child.pid ?? 0,
    lines,
    exit,
    waitForLine,
    kill: (signal = 'SIGKILL') => void child.kill(signal),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await exit
    },
  }
}
