import { spawn } from 'node:child_process'
import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('../src/main.ts', import.meta.url))

export const fixtures = fileURLToPath(new URL('fixtures', import.meta.url))

export interface CliEnd {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface CliOptions {
  readonly url?: string
  readonly env?: Readonly<Record<string, string>>
  /** What comes on standard input. */
  readonly input?: string
}

/** Runs the real program in a process of its own, to its end. */
export function tasking(args: readonly string[], options: CliOptions = {}): Promise<CliEnd> {
  const { child, ended } = startTasking(args, options)
  child.stdin.end(options.input ?? '')
  return ended
}

/** The same while it runs; its standard input stays open. */
export function startTasking(args: readonly string[], { url, env = {} }: CliOptions = {}) {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(?:TASKING_.*|DATABASE_URL|NO_COLOR|FORCE_COLOR)$/.test(name),
  )
  const child = spawn(process.execPath, [program, ...args], {
    cwd: fixtures,
    env: {
      ...Object.fromEntries(inherited),
      ...(url !== undefined && { TASKING_DATABASE_URL: url }),
      ...env,
    },
  })
  // It may end before it has read everything.
  child.stdin.on('error', () => undefined)
  return { child, ended: endOf(child) }
}

async function endOf(child: ChildProcessWithoutNullStreams): Promise<CliEnd> {
  const exit = once(child, 'exit')
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  const [code] = (await exit) as [number | null]
  return { code, stdout, stderr }
}
