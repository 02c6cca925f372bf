import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

import { until } from './until.ts'

/** What a parent tells about the server that it has started. */
export interface StartedServer {
  pid: number
  port: number
  logFile: string
}

export type Ending = 'return' | 'throw' | 'stay' | 'stop'

export interface ParentOptions {
  node?: string
  script?: string
  env?: NodeJS.ProcessEnv
  uid?: number
  gid?: number
}

/** A process that starts a server. */
export function spawnParent(ending: Ending, options: ParentOptions = {}) {
  const { node, script, env, ...account } = options
  const path = script ?? fileURLToPath(new URL('./parent.ts', import.meta.url))
  const child = spawn(node ?? process.execPath, [path, ending], {
    ...account,
    cwd: dirname(path),
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))

  const exit = new Promise<{ code: number | null; signal: string | null; stderr: string }>(
    (resolve) => child.once('close', (code, signal) => resolve({ code, signal, stderr })),
  )
  const server = new Promise<StartedServer>((resolve, reject) => {
    child.stdout.on('data', () => {
      if (stdout.includes('\n')) resolve(JSON.parse(stdout) as StartedServer)
    })
    child.once('error', reject)
    void exit.then(() => reject(new Error(`The parent ended without a server: ${stderr}`)))
  })
  // A test that only waits for the exit must not fail for the server that never came.
  server.catch(() => undefined)
  return { child, server, exit }
}

/** Resolves when nothing is left of a server: neither its process nor its directory. */
export function disappearance({ pid, logFile }: StartedServer): Promise<void> {
  return until(() => !isAlive(pid) && !existsSync(dirname(logFile)), `the end of server ${pid}`)
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  // Where nobody reaps it, a process that has ended is still listed.
  return !(existsSync('/proc/self/stat') && / Z /.test(readStat(pid)))
}

function readStat(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return ' Z '
  }
}
