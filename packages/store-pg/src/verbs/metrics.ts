import { longWaitMs, sumOfQueues } from '@tasking/core'
import type { Metrics, QueueMetrics } from '@tasking/core'
import type { Connection } from '../connection.ts'

// What bounds the cost where there is a lot: kinds of tasks, unblocked tasks of each, places in line.
const limits = [1_000, 5_000, 10_000] as const

interface MetricsDocument extends Pick<
  Metrics,
  'running' | 'blocked' | 'workers' | 'slots' | 'complete'
> {
  readonly queues: readonly QueueMetrics[]
}

/** One call of the SQL function `metrics`. */
export async function metrics(connection: Connection, schema: string): Promise<Metrics> {
  const [row] = await connection.query(
    `select "${schema}".metrics($1::int, $2::int, $3::int, $4::int)`,
    [longWaitMs, ...limits],
  )
  const [document] = row as [MetricsDocument]
  const { queues, ...rest } = document
  const sums = sumOfQueues(queues)
  return { queues, ...sums, ...rest, parallel: rest.running + sums.unblocked }
}
