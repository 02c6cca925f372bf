import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface WorkerProcessOptions {
  readonly databaseUrl: string
  readonly schema: string
  readonly queue: string
  readonly concurrency: number
  readonly ttl: string
}

/** A real `tasking-worker` process. */
export interface WorkerProcess {
  readonly name: string
  readonly pid: number
  /** How it died, on the monotonic clock; `undefined` while it lives. */
  readonly death: { readonly atNs: bigint; readonly how: string } | undefined
  /** The last lines that it logged, for when it dies unasked. */
  readonly log: readonly string[]
  kill(signal: NodeJS.Signals): void
  readonly exited: Promise<void>
}

export function startWorkerProcess(name: string, options: WorkerProcessOptions): WorkerProcess {
  const { databaseUrl, schema, queue, concurrency, ttl } = options
  const settings = { concurrency, queue, schema, ttl, name, tasks: demoTasksPath() }
  const flags = Object.entries(settings).flatMap(([flag, value]) => [`--${flag}`, String(value)])
  const child = spawn(process.execPath, [workerProgram(), ...flags], {
    // The channel tells the worker when this process is no more, however it ended.
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    // Not among the flags, where every user of the machine could read a password.
    env: { ...environment(), TASKING_DATABASE_URL: databaseUrl },
  })
  const log: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      log.push(...text.split('\n').filter(Boolean))
      log.splice(0, log.length - 20)
    })
  }
  let death: WorkerProcess['death']
  const exited = exitOf(child).then((how) => {
    death = { atNs: process.hrtime.bigint(), how }
  })
  return {
    name,
    pid: child.pid ?? 0,
    get death() {
      return death
    },
    log,
    kill: (signal) => void child.kill(signal),
    exited,
  }
}

// Settings for other workers of the user's must not change the demo's.
function environment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('TASKING_')),
  )
}

async function exitOf(child: ChildProcess): Promise<string> {
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
  return signal ?? `exit code ${code}`
}

function workerProgram(): string {
  const manifest = createRequire(import.meta.url).resolve('tasking-worker/package.json')
  const { bin } = JSON.parse(readFileSync(manifest, 'utf8')) as { bin: Record<string, string> }
  return join(dirname(manifest), bin['tasking-worker'] ?? '')
}

function demoTasksPath(): string {
  return fileURLToPath(import.meta.resolve('@tasking/cli/demo-tasks'))
}
