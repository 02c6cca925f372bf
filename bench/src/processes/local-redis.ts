import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { freePort } from '@tasking/local-postgres'

export interface LocalRedis extends AsyncDisposable {
  readonly url: string
}

/**
 * Starts Redis, if it is installed, as BullMQ's docs would have it in production: what is written is
 * on disk within a second.
 */
export async function startRedis(): Promise<LocalRedis | undefined> {
  const directories = (process.env['PATH'] ?? '').split(delimiter)
  const binary = directories.map((path) => join(path, 'redis-server')).find(isExecutable)
  if (binary === undefined) return undefined
  const directory = await mkdtemp(join(tmpdir(), 'tasking-redis-'))
  const port = await freePort()
  const child = spawn(
    binary,
    [
      ...['--bind', '127.0.0.1', '--port', String(port), '--dir', directory],
      ...['--appendonly', 'yes', '--appendfsync', 'everysec', '--maxmemory-policy', 'noeviction'],
    ],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  )
  const exited = once(child, 'exit')
  // Ends with this process, however that ends.
  const end = () => void child.kill('SIGKILL')
  process.once('exit', end)
  for await (const chunk of child.stdout) if (/ready to accept/i.test(String(chunk))) break
  return {
    url: `redis://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      process.off('exit', end)
      end()
      await exited
      await rm(directory, { recursive: true, force: true })
    },
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
