import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTasking } from '@tasking/core'
import type { Tasking } from '@tasking/core'
import { pgStore } from '@tasking/store-pg'
import { testDatabase } from '@tasking/testbed'
import type { TestProcess } from '@tasking/testbed'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { double, hold } from './fixtures/tasks.ts'
import { startWorker } from './worker-process.ts'

let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tasking-gates-'))
})

afterAll(() => rm(folder, { recursive: true }))

interface Scene extends AsyncDisposable {
  readonly tasking: Tasking
  readonly worker: TestProcess
  /** Starts a task that runs until `letGo`. */
  startHolding(): Promise<{ readonly id: string; letGo(): Promise<void> }>
}

/** A worker of a database of its own. */
async function scene(...args: string[]): Promise<Scene> {
  await using stack = new AsyncDisposableStack()
  const database = stack.use(await testDatabase())
  const tasking: Tasking = stack.use(createTasking({ store: pgStore({ url: database.url }) }))
  const flags = ['--tasks', './tasks.ts', '--database-url', database.url, '--log-level', 'debug']
  const worker = stack.use(startWorker([...flags, ...args]))
  await worker.waitForLine(/"worker started"/)
  const rest = stack.move()
  return {
    tasking,
    worker,
    async startHolding() {
      const gate = join(folder, crypto.randomUUID())
      const { id } = await tasking.dispatch(hold, { gate })
      await worker.waitForLine(/"holding"/)
      return { id, letGo: () => writeFile(gate, '') }
    },
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  }
}

test('SIGTERM lets the running task finish and starts no other', async () => {
  await using stage = await scene()
  const { tasking, worker } = stage
  const held = await stage.startHolding()
  worker.kill('SIGTERM')
  // What comes at once after is the same Ctrl-C, passed on by a program in between.
  worker.kill('SIGTERM')
  await worker.waitForLine(/"stopping/)
  const late = await tasking.dispatch(double, { number: 1 })
  await held.letGo()
  expect(await worker.exit).toEqual({ code: 0, signal: null })
  expect(await tasking.find(held.id)).toMatchObject({ state: 'completed', result: 'let go' })
  expect(await tasking.find(late.id)).toMatchObject({ state: 'waiting' })
  expect(await tasking.store.workers()).toEqual([])
})

test('row 21: after SIGINT, what still runs is aborted after a while', async () => {
  await using stage = await scene('--abort-after', '50ms')
  const { id } = await stage.startHolding()
  stage.worker.kill('SIGINT')
  expect(await stage.worker.exit).toEqual({ code: 0, signal: null })
  expect(await stage.tasking.find(id)).toMatchObject({
    state: 'failed',
    error: { code: 'worker_stopping' },
  })
})

test('a second signal ends it at once', async () => {
  await using stage = await scene()
  const { id } = await stage.startHolding()
  stage.worker.kill('SIGTERM')
  await stage.worker.waitForLine(/"stopping/)
  stage.worker.kill('SIGINT')
  expect(await stage.worker.exit).toEqual({ code: 1, signal: null })
  expect(await stage.tasking.find(id)).toMatchObject({ state: 'running' })
})

test('what ends is logged with its task', async () => {
  await using stage = await scene('--log-level', 'debug')
  const handle = await stage.tasking.dispatch(double, { number: 21 })
  expect(await handle.result()).toBe(42)
  await stage.worker.waitForLine(new RegExp(`"taskId":"${handle.id}".*"task ended"`))
})
