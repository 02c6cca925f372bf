import type { TestProcess } from '@tasking/testbed'
import { expect, test } from 'vitest'
import { startWorker } from './worker-process.ts'
import { openWorkerScene } from './worker-scene.ts'

async function probesOf(worker: TestProcess) {
  const line = await worker.waitForLine(/"answering probes"/)
  const { port } = JSON.parse(line) as { port: number }
  return async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`)
    return [response.status, await response.json().catch(() => null)]
  }
}

test('a worker answers probes: alive and ready, and while it stops not ready any more', async () => {
  await using scene = await openWorkerScene()
  const worker = await scene.start('--health-port', '0')
  const get = await probesOf(worker)
  const held = await scene.startHolding(worker)
  const pulling = expect.objectContaining({ phase: 'pulling', running: 1, stuck: 0 })
  expect(await get('/readyz')).toEqual([200, pulling])
  expect(await get('/healthz')).toEqual([200, pulling])
  expect((await get('/'))[0]).toBe(404)
  worker.kill('SIGTERM')
  await worker.waitForLine(/"stopping/)
  expect(await get('/readyz')).toEqual([503, expect.objectContaining({ phase: 'stopping' })])
  expect((await get('/healthz'))[0]).toBe(200)
  await held.letGo()
  expect(await worker.exit).toEqual({ code: 0, signal: null })
})

test('without a database it is alive, but not ready', async () => {
  const url = 'postgres://user@127.0.0.1:1/nowhere'
  const flags = ['--tasks', './tasks.ts', '--database-url', url, '--health-port', '0']
  await using worker = startWorker(flags)
  const get = await probesOf(worker)
  expect(await get('/readyz')).toEqual([503, expect.objectContaining({ phase: 'starting' })])
  expect((await get('/healthz'))[0]).toBe(200)
})

test('a port that somebody has is said, and ends it', async () => {
  await using scene = await openWorkerScene()
  const worker = await scene.start('--health-port', '0')
  const { port } = JSON.parse(await worker.waitForLine(/"answering probes"/)) as {
    port: number
  }
  const other = scene.spawn('--health-port', String(port))
  expect(await other.exit).toEqual({ code: 1, signal: null })
  expect(other.lines.join('\n')).toMatch(/^error: .* \[health_port_taken\]$/m)
})
