import { once } from 'node:events'
import { createTasking } from '@tasking/core'
import { pgStore } from '@tasking/store-pg'
import { createWorker } from '@tasking/worker'
import { waitingTask } from '../bench-task.ts'
import { serve, tell } from './service.ts'

export interface WaitingWorkerSetup {
  readonly url: string
  /** False for polling only. */
  readonly listen: boolean
  /** How long it may give no sign of life, in milliseconds. */
  readonly ttl: number
  /** False for a worker that has no tasks of its own, and keeps house for the others. */
  readonly takesTasks: boolean
}

/** What a handler has come to, in nanoseconds of the monotonic clock that all processes share. */
export interface WaitingEvent {
  readonly what: 'started' | 'aborted'
  readonly atNs: number
}

export interface WaitingWorkerApi {
  start(setup: WaitingWorkerSetup): Promise<void>
}

const task = waitingTask(async (_input, { signal }) => {
  note('started')
  await once(signal, 'abort')
  note('aborted')
})

serve<WaitingWorkerApi>({
  async start({ url, listen, ttl, takesTasks }) {
    const store = pgStore({ url, ...(!listen && { listen: false }) })
    const tasking = createTasking({ store, tasks: takesTasks ? [task] : [] })
    await createWorker({ tasking, ttl, concurrency: 100 }).start()
  },
})

function note(what: WaitingEvent['what']): void {
  tell<WaitingEvent>({ what, atNs: Number(process.hrtime.bigint()) })
}
