import { spawn } from 'node:child_process'
import { once } from 'node:events'

/**
 * Runs this program again under Node's own watch, which starts it anew whenever a module changes that
 * it has loaded, once the running tasks are finished.
 * @returns the exit code
 */
export async function runReloading(script: string): Promise<number> {
  // Node takes away from its environment what would make the child watch as well.
  const env = { ...process.env, TASKING_RELOAD: 'false' }
  const args = process.argv.slice(2).filter((arg) => arg !== '--reload')
  const watching = ['--watch', '--watch-preserve-output', ...process.execArgv]
  const child = spawn(process.execPath, [...watching, script, ...args], { env, stdio: 'inherit' })
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT'] as const) {
    // Those two are the ones that it passes on.
    process.on(signal, () => child.kill(signal === 'SIGINT' ? signal : 'SIGTERM'))
  }
  const [code] = (await once(child, 'exit')) as [number | null]
  return code ?? 1
}
