import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTasking } from '@tasking/core'
import type { Tasking } from '@tasking/core'
import { pgStore } from '@tasking/store-pg'
import { eventually, isAlive, useDatabase } from '@tasking/testbed'
import type { TestProcess } from '@tasking/testbed'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { child, parent, place, spin, transfer } from './fixtures/isolated.ts'
import { startWorker } from './worker-process.ts'

const database = useDatabase()
let folder = ''
let tasking: Tasking

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tasking-gates-'))
  tasking = createTasking({ store: pgStore({ url: database.url }) })
})

afterAll(async () => {
  await tasking.close()
  await rm(folder, { recursive: true })
})

async function isolated(env: Readonly<Record<string, string>> = {}): Promise<TestProcess> {
  const args = ['--tasks', './isolated.ts', '--isolation', 'process', '--log-level', 'debug']
  const worker = startWorker(args, { TASKING_DATABASE_URL: database.url, ...env })
  await worker.waitForLine(/"worker started"/, 20_000)
  return worker
}

async function handlerOf(worker: TestProcess, word: string): Promise<number> {
  const line = await worker.waitForLine(new RegExp(`"${word}"`))
  return (JSON.parse(line) as { handler: number }).handler
}

test('row 23: handlers run in processes, which leave signals to their worker', async () => {
  await using worker = await isolated()
  const gate = join(folder, 'gate')
  const handle = await tasking.dispatch(place, { gate })
  const pid = await handlerOf(worker, 'holding')
  expect(pid).not.toBe(worker.pid)
  // As a service manager does that tells all processes of a service.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.kill(pid, signal)
  worker.kill('SIGTERM')
  await worker.waitForLine(/"stopping/)
  await writeFile(gate, '')
  expect(await worker.exit).toEqual({ code: 0, signal: null })
  expect(await handle.load()).toMatchObject({ state: 'completed', result: { pid } })
  expect(isAlive(pid)).toBe(false)
})

test('row 15: handlers in processes dispatch children, and complete in transactions', async () => {
  await using worker = await isolated()
  const handle = await tasking.dispatch(parent)
  const dispatched = tasking.task(await handle.result())
  expect(await dispatched.finished()).toMatchObject({
    ...{ name: child.name, parentId: handle.id, state: 'completed' },
  })
  const pid = Number((await dispatched.load()).result)
  expect(pid).not.toBe(worker.pid)
  const transferred = await tasking.dispatch(transfer, { url: database.url })
  expect(await transferred.finished()).toMatchObject({ state: 'completed', result: pid })
})

test('row 9: a gooey task is canceled by force when its grace is over', async () => {
  await using worker = await isolated({ TASKING_GRACE: '200ms' })
  const handle = await tasking.dispatch(spin)
  await handlerOf(worker, 'spinning')
  await handle.cancel()
  expect(await handle.finished({ timeout: '5s' })).toMatchObject({ state: 'canceled' })
  await worker.waitForLine(/"graceMs":200.*"a handler goes on .*: killing it"/)
  worker.kill('SIGTERM')
  expect(await worker.exit).toEqual({ code: 0, signal: null })
})

test('row 21: a second signal ends its handlers, too', async () => {
  await using worker = await isolated()
  await tasking.dispatch(spin)
  const pid = await handlerOf(worker, 'spinning')
  worker.kill('SIGTERM')
  await worker.waitForLine(/"stopping/)
  worker.kill('SIGINT')
  expect(await worker.exit).toEqual({ code: 1, signal: null })
  await eventually(() => !isAlive(pid), { what: 'the end of the handler' })
})

test('row 21: after SIGINT, a handler that ignores its abort is killed', async () => {
  await using worker = await isolated({ TASKING_ABORT_AFTER: '50ms', TASKING_GRACE: '100ms' })
  const handle = await tasking.dispatch(spin)
  await handlerOf(worker, 'spinning')
  worker.kill('SIGINT')
  expect(await worker.exit).toEqual({ code: 0, signal: null })
  expect(await handle.load()).toMatchObject({
    state: 'failed',
    error: { code: 'worker_stopping', message: 'Aborted during worker shutdown.' },
  })
})
