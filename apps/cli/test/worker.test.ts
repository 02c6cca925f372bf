import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { readFileSync } from 'node:fs'
import { spawnNode, useDatabase } from '@tasking/testbed'
import { expect, test } from 'vitest'
import { fixtures, tasking as cli } from './cli-process.ts'

const database = useDatabase()

function workerProgram(): string {
  const manifest = createRequire(import.meta.url).resolve('tasking-worker/package.json')
  const { bin } = JSON.parse(readFileSync(manifest, 'utf8')) as { bin: Record<string, string> }
  return join(dirname(manifest), bin['tasking-worker'] ?? '')
}

test('a real worker runs what the command line dispatches', async () => {
  const { url } = database
  const args = ['--tasks', './tasks.ts', '--queue', 'default', 'greetings', '--name', 'real']
  await using worker = spawnNode(workerProgram(), args, {
    cwd: fixtures,
    env: { TASKING_DATABASE_URL: url },
  })
  await worker.waitForLine(/"worker started"/)
  const workers = await cli(['workers'], { url })
  expect(workers.stdout).toMatch(/^real .* alive .* default, greetings +fail, greet$/m)

  const dispatch = ['dispatch', 'greet', '{"name": "Ann"}', '--tasks', './tasks.ts', '--wait']
  const done = await cli(dispatch, { url })
  expect(JSON.parse(done.stdout)).toEqual({ greeting: 'Hello Ann!' })

  worker.kill('SIGTERM')
  expect(await worker.exit).toEqual({ code: 0, signal: null })
})
