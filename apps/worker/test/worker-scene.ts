import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTasking } from '@tasking/core'
import type { Tasking } from '@tasking/core'
import { pgStore } from '@tasking/store-pg'
import { testDatabase } from '@tasking/testbed'
import type { TestProcess } from '@tasking/testbed'
import { hold } from './fixtures/tasks.ts'
import { startWorker } from './worker-process.ts'

// Processes start slowly where many do at once.
export const patienceMs = 25_000

/** A database of its own, and worker processes on it. */
export interface WorkerScene extends AsyncDisposable {
  readonly url: string
  readonly tasking: Tasking
  /** A folder of its own. */
  readonly folder: string
  /** Starts a worker; resolves as soon as its process is there. */
  spawn(...args: string[]): TestProcess
  /** The same; resolves when it pulls. */
  start(...args: string[]): Promise<TestProcess>
  /** Starts a task that a worker then runs until `letGo`. */
  startHolding(
    worker: TestProcess,
    exclusive?: string[],
  ): Promise<{ readonly id: string; letGo(): Promise<void> }>
}

export async function openWorkerScene(): Promise<WorkerScene> {
  await using stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'tasking-worker-'))
  stack.defer(() => rm(folder, { recursive: true }))
  const database = stack.use(await testDatabase())
  const { url } = database
  const tasking: Tasking = stack.use(createTasking({ store: pgStore({ url }) }))
  const rest = stack.move()
  const flags = ['--tasks', './tasks.ts', '--database-url', url, '--log-level', 'debug']
  const spawn = (...args: string[]) => rest.use(startWorker([...flags, ...args]))
  return {
    ...{ url, tasking, folder, spawn },
    async start(...args) {
      const worker = spawn(...args)
      await worker.waitForLine(/"worker started"/, patienceMs)
      return worker
    },
    async startHolding(worker, exclusive = []) {
      const gate = join(folder, crypto.randomUUID())
      const { id } = await tasking.dispatch(hold, { gate, exclusive })
      await worker.waitForLine(new RegExp(`${id}.*"holding"`))
      return { id, letGo: () => writeFile(gate, '') }
    },
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  }
}
