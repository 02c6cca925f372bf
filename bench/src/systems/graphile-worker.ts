import { EventEmitter } from 'node:events'
import { Logger, makeWorkerUtils, run } from 'graphile-worker'
import type { PlainTask, System } from './system.ts'

const identifier = 'bench'
const logger = new Logger(() => () => undefined)

/** As its page on performance sets it up: https://worker.graphile.org/docs/performance */
export const graphileWorker: System = {
  async install(url) {
    const utils = await makeWorkerUtils({ connectionString: url, maxPoolSize: 2, logger })
    await utils.migrate()
    await utils.release()
  },
  async openDispatcher(url, maxPoolSize) {
    const utils = await makeWorkerUtils({ connectionString: url, maxPoolSize, logger })
    return {
      dispatch: (task) => utils.addJob(identifier, task, queueOf(task)),
      dispatchMany: (tasks) =>
        utils.addJobs(tasks.map((task) => ({ identifier, payload: task, ...queueOf(task) }))),
      [Symbol.asyncDispose]: async () => utils.release(),
    }
  },
  // It always listens.
  async openWorker({ url, slots, batched }, work) {
    const preset: GraphileConfig.Preset = {
      worker: {
        ...{ connectionString: url, concurrentJobs: slots, maxPoolSize: Math.max(10, slots + 1) },
        ...(batched && {
          localQueue: { size: 500 },
          completeJobBatchDelay: 0,
          failJobBatchDelay: 0,
        }),
      },
    }
    const taskList = { [identifier]: (payload: unknown) => work.run(payload as PlainTask) }
    // Its own, since the first jobs may be done before it hands out those of the runner.
    const events = new EventEmitter()
    events.on('job:success', () => work.finished(1))
    return async () => void (await run({ preset, taskList, parsedCronItems: [], logger, events }))
  },
  // A job is told of as complete when its handler is.
  async isEmpty(sql) {
    const [row] = await sql<{ empty: boolean }[]>`
      select not exists (select from graphile_worker._private_jobs) as empty`
    return row?.empty ?? false
  },
}

function queueOf({ resources: [queueName] }: PlainTask): { queueName?: string } {
  return queueName === undefined ? {} : { queueName }
}
