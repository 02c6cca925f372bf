import { spawn } from 'node:child_process'
import type { ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** A project of its own with the bootstrap in it, and commands that only write down how they are called. */
export class Machine implements Disposable {
  readonly root = mkdtempSync(join(tmpdir(), 'tasking-bootstrap-'))
  readonly #bin = join(this.root, 'bin')

  constructor() {
    mkdirSync(this.#bin)
    cpSync(dirname(import.meta.dirname), join(this.root, 'scripts'), { recursive: true })
    writeFileSync(join(this.root, 'package.json'), '{ "packageManager": "pnpm@12.21.0+sha512.0" }')
    writeFileSync(join(this.root, 'pnpm-lock.yaml'), '')
  }

  /** Puts a command on the PATH; it has `log(text)`, and `args` for its arguments. */
  command(name: string, body: string, folder = this.#bin): void {
    mkdirSync(folder, { recursive: true })
    const log = `(text) => require('node:fs').appendFileSync(${JSON.stringify(this.#log)}, text + '\\n')`
    const head = `#!${process.execPath}\nconst args = process.argv.slice(2)\nconst log = ${log}\n`
    writeFileSync(join(folder, name), head + body)
    chmodSync(join(folder, name), 0o755)
  }

  /** As after an install: before or after the lockfile was changed last. */
  installed(when: 'before' | 'after'): void {
    mkdirSync(join(this.root, 'node_modules'), { recursive: true })
    const file = join(this.root, 'node_modules', '.modules.yaml')
    writeFileSync(file, '')
    const seconds = Date.now() / 1000 + (when === 'after' ? 60 : -60)
    utimesSync(file, seconds, seconds)
  }

  start(...args: string[]): ChildProcessByStdio<null, Readable, Readable> {
    const env = { PATH: this.#bin, HOME: this.root }
    const script = join(this.root, 'scripts', 'bootstrap.mjs')
    return spawn(process.execPath, [script, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  }

  async run(...args: string[]): Promise<Ended> {
    return ended(this.start(...args))
  }

  get calls(): string[] {
    try {
      return readFileSync(this.#log, 'utf8').trimEnd().split('\n')
    } catch {
      return []
    }
  }

  get #log(): string {
    return join(this.root, 'calls')
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true })
  }
}

export async function ended(child: ChildProcessByStdio<null, Readable, Readable>): Promise<Ended> {
  const closed = once(child, 'close')
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  await closed
  return { code: child.exitCode, signal: child.signalCode, stdout, stderr }
}
