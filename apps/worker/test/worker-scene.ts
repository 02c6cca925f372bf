import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTasking } from '@tasking/core'
import type { DispatchedHandle, DispatchOptions, Tasking } from '@tasking/core'
import { pgStore } from '@tasking/store-pg'
import { testDatabase } from '@tasking/testbed'
import type { TestProcess } from '@tasking/testbed'
import { hold } from './fixtures/tasks.ts'
import { startWorker } from './worker-process.ts'

type Holding = Partial<Record<'exclusive' | 'shared', string[]>>

/** A task that ends when it is told to. */
interface HeldTask extends DispatchedHandle<string> {
  /** Resolves when a worker of the scene runs it. */
  running(): Promise<void>
  letGo(): Promise<void>
}

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
  /** Dispatches a task that holds these resources until `letGo`. */
  dispatchHolding(resources?: Holding, options?: DispatchOptions): Promise<HeldTask>
  /** The same; resolves when that worker runs it. */
  startHolding(worker: TestProcess, exclusive?: string[]): Promise<HeldTask>
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
  const workers: TestProcess[] = []
  const spawn = (...args: string[]) => {
    const worker = rest.use(startWorker([...flags, ...args]))
    workers.push(worker)
    return worker
  }
  const holdingLine = (id: string) => new RegExp(`${id}.*"holding"`)
  const dispatchHolding = async (resources: Holding = {}, options: DispatchOptions = {}) => {
    const gate = join(folder, crypto.randomUUID())
    const handle = await tasking.dispatch(hold, { gate, ...resources }, options)
    return {
      ...handle,
      running: async () =>
        void (await Promise.any(workers.map((one) => one.waitForLine(holdingLine(handle.id))))),
      letGo: () => writeFile(gate, ''),
    }
  }
  return {
    ...{ url, tasking, folder, spawn, dispatchHolding },
    async start(...args) {
      const worker = spawn(...args)
      await worker.waitForLine(/"worker started"/)
      return worker
    },
    async startHolding(worker, exclusive = []) {
      const held = await dispatchHolding({ exclusive })
      await worker.waitForLine(holdingLine(held.id))
      return held
    },
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  }
}
