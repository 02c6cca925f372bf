import { fireDueSchedules, silentLogger } from '@tasking/core'
import type { Logger, Task, Tasking } from '@tasking/core'
import { taskLog } from '../task-log.ts'
import { HandWorker } from './hand-worker.ts'

export interface DrainOptions {
  /** More tasks than that are taken for an endless loop. Default 1,000. */
  readonly most?: number
  /** Where the handlers' log goes. Default: nowhere. */
  readonly logger?: Logger
}

/**
 * Runs all tasks of the tasking's definitions that can run, one after the other in the order in which a worker
 * would claim them, and what they dispatch, until nothing can run. Schedules and delays that are due
 * come first.
 * A handler that throws fails its task, as ever. Meant for a store in memory; any will do.
 * @returns the tasks that ran, in the order of their ends
 */
export async function drain(
  tasking: Tasking,
  { most = 1_000, logger = silentLogger }: DrainOptions = {},
): Promise<Task[]> {
  const ran: Task[] = []
  for (let before = -1; before < ran.length;) {
    before = ran.length
    await fireDueSchedules(tasking.store)
    await tasking.store.promote()
    const taskNames = [...tasking.definitions.keys()]
    const waiting = await tasking.list({ states: ['waiting'], limit: 100_000 })
    await using worker = await HandWorker.register(tasking, taskNames, waiting)
    for (let task = await worker.claim(); task; task = await worker.claim()) {
      if (ran.length === most) throw endless(most, task.name)
      const completion = await worker.runOf(task).run(tasking, taskLog(logger, task))
      ran.push(await worker.end(completion))
    }
  }
  return ran
}

function endless(most: number, name: string): Error {
  return new Error(
    `More than ${most} tasks ran, "${name}" would be the next: does a task dispatch itself for ever? Otherwise raise "most".`,
  )
}
