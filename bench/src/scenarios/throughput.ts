import type { BenchDatabase } from '../bench-database.ts'
import type { Sample } from '../measure/sample.ts'
import { Dispatchers } from '../processes/dispatchers.ts'
import { WorkerFleet } from '../processes/worker-fleet.ts'
import type { Stage } from '../scenario.ts'

const warmUp = 200
const callers = 8
const pattern = { kind: 'two', of: 10_000 } as const

/**
 * The whole way of many tasks with two exclusive resources: one process dispatches them one by one,
 * eight at a time, while two processes with a worker each of ten slots run them.
 */
export async function measureThroughput(
  stage: Stage,
  database: BenchDatabase,
  fullSize = 10_000,
): Promise<Sample> {
  await using dispatchers = await Dispatchers.start(database.url, 1)
  await using fleet = await WorkerFleet.start({
    ...{ url: database.url, processes: 2, workers: 1, concurrency: 10, listen: true },
  })
  await dispatchers.dispatch({ tasks: warmUp, callers, pattern })
  await fleet.untilFinished(warmUp)
  const tasks = stage.scaled(fullSize, 200)
  return await database.measure([...dispatchers.processes, ...fleet.processes], async () => {
    await dispatchers.dispatch({ tasks, callers, pattern })
    await fleet.untilFinished(warmUp + tasks)
    return { tasks }
  })
}
