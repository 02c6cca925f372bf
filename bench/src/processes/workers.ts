import { createTasking } from '@tasking/core'
import { pgStore } from '@tasking/store-pg'
import { createWorker } from '@tasking/worker'
import type { Worker, WorkerEvent } from '@tasking/worker'
import { benchTask } from '../bench-task.ts'
import { tellFinished } from './finished-tally.ts'
import { serve } from './service.ts'

export interface WorkerSetup {
  readonly url: string
  readonly workers: number
  readonly concurrency: number
  /** False for polling only, or where to listen instead. */
  readonly listen: boolean | string
  /** One store for all workers of a process, instead of one for each. Default false. */
  readonly sharesStore?: boolean
}

/** How many turns there were since the last question, and how long they took together. */
export interface TurnTimes {
  readonly turns: number
  readonly ms: number
}

export interface WorkersApi {
  start(setup: WorkerSetup): Promise<void>
  turns(): Promise<TurnTimes>
  /** How many have been given up since the start. */
  missing(): Promise<number>
  stop(): Promise<void>
}

const workers: Worker[] = []
let turns = 0
let turnMs = 0
let missing = 0

serve<WorkersApi>({
  async start({ url, workers: count, concurrency, listen, sharesStore = false }) {
    const open = () =>
      pgStore({
        url,
        ...(listen !== true && { listen }),
        onVerb({ verb, durationMs }) {
          if (verb !== 'turn') return
          turns += 1
          turnMs += durationMs
        },
      })
    const shared = sharesStore ? open() : undefined
    for (let n = 0; n < count; n += 1) {
      // Else each with one of its own, as if it had a process of its own.
      const tasking = createTasking({ store: shared ?? open(), tasks: [benchTask] })
      workers.push(createWorker({ tasking, concurrency, onEvent: note }))
    }
    await Promise.all(workers.map((worker) => worker.start()))
  },
  async turns() {
    const times = { turns, ms: turnMs }
    turns = 0
    turnMs = 0
    return times
  },
  missing: async () => missing,
  async stop() {
    await Promise.all(workers.map((worker) => worker.stop()))
  },
})

function note({ kind }: WorkerEvent): void {
  if (kind === 'finished') tellFinished(1)
  if (kind === 'missing') missing += 1
}
