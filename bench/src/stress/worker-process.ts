import { createTasking, WorkerMissingError } from '@tasking/core'
import type { WorkerId } from '@tasking/core'
import { pgStore } from '@tasking/store-pg'
import { createWorker } from '@tasking/worker'
import type { Worker } from '@tasking/worker'
import { serve } from '../processes/service.ts'
import { gaveUpCode } from './gave-up.ts'
import { stressTask } from './stress-task.ts'

export interface StressWorkerSetup {
  readonly url: string
  readonly concurrency: number
  readonly ttlMs: number
}

export interface StressWorkerApi {
  /** @returns at once who it is, so that this is known whenever it dies */
  start(setup: StressWorkerSetup): Promise<WorkerId>
  /** Lets its handlers end, and leaves. */
  stop(): Promise<void>
}

let worker: Worker | undefined

serve<StressWorkerApi>({
  async start({ url, concurrency, ttlMs }) {
    const tasking = createTasking({ store: pgStore({ url }), tasks: [stressTask] })
    worker = createWorker({ tasking, concurrency, ttl: ttlMs })
    // What a worker that has given itself up still runs ends with its process.
    worker.ended.catch((error: unknown) => {
      process.exit(error instanceof WorkerMissingError ? gaveUpCode : 1)
    })
    worker.start().catch(() => process.exit(1))
    return worker.id
  },
  async stop() {
    await worker?.stop()
  },
})
