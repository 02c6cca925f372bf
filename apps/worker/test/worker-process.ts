import { fileURLToPath } from 'node:url'
import { spawnNode } from '@tasking/testbed'
import type { TestProcess } from '@tasking/testbed'

const program = new URL('../src/main.ts', import.meta.url)

/** Where the task modules of the tests are. */
const fixtures = fileURLToPath(new URL('fixtures', import.meta.url))

/** Starts the real program; of the environment's own settings for it, none is left. */
export function startWorker(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): TestProcess {
  const own = Object.keys(process.env).filter((name) => /^(?:TASKING_|DATABASE_URL)/.test(name))
  const none = Object.fromEntries(own.map((name) => [name, undefined]))
  return spawnNode(program, args, { cwd: fixtures, env: { ...none, ...env } })
}
