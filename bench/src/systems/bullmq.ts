import { Queue, Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { redisVariable } from './redis-variable.ts'
import type { CrewSetup, PlainTask, System, Work } from './system.ts'

const jobName = 'bench'

/** Its queue is named after the database that a system on PostgreSQL would be given. */
export const bullMq: System = {
  install: async () => undefined,
  async openDispatcher(url) {
    const connection = connect()
    const queue = new Queue<PlainTask>(nameOf(url), { connection })
    await queue.waitUntilReady()
    return {
      dispatch: (task) => queue.add(jobName, task),
      dispatchMany: (tasks) => queue.addBulk(tasks.map((data) => ({ name: jobName, data }))),
      async [Symbol.asyncDispose]() {
        await queue.close()
        connection.disconnect()
      },
    }
  },
  openWorker: async ({ url, slots }: CrewSetup, work: Work) => {
    const run = ({ data }: { readonly data: PlainTask }) => work.run(data)
    const worker = new Worker<PlainTask>(nameOf(url), run, {
      ...{ connection: connect(), concurrency: slots, autorun: false },
    })
    worker.on('completed', () => work.finished(1))
    worker.on('error', () => undefined)
    await worker.waitUntilReady()
    // It goes on until the process ends.
    return async () => void worker.run()
  },
}

function connect(): Redis {
  const url = process.env[redisVariable]
  if (url === undefined) throw new Error(`${redisVariable} doesn't say where Redis is.`)
  // As its docs ask for: a worker waits for Redis however long that is away.
  return new Redis(url, { maxRetriesPerRequest: null })
}

function nameOf(url: string): string {
  return new URL(url).pathname.slice(1)
}
