import { cyan, dim, red, yellow } from 'yoctocolors'
import type { LinePlace, ReservationMode, TaskInLine, WorkerRecord } from '@tasking/core'
import { printable } from './printable.ts'
import { ageText } from './task-text.ts'

/** The mode of a reservation, and how much of a counted resource it takes. */
export function modeText({
  mode,
  amount,
  capacity = null,
}: {
  readonly mode: ReservationMode
  readonly amount: number
  readonly capacity?: LinePlace['capacity']
}): string {
  if (mode !== 'counted') return mode
  return capacity === null ? `counted, ${amount}` : `counted, ${amount} of ${capacity}`
}

/** What a task in line does, and for how long; a waiting one says whether something holds it up. */
export function doingText(task: TaskInLine, now: Date, workers: readonly WorkerRecord[]): string {
  const { state, since, unblocked } = task
  const age = ageText(since, now)
  if (state === 'running') return `${cyan('runs')} for ${age} on ${workerText(task, workers)}`
  if (state === 'canceling') {
    return `is ${yellow('canceling')}, runs for ${age} on ${workerText(task, workers)}`
  }
  return `waits for ${age}, ${unblocked ? 'unblocked' : 'blocked'}`
}

/** The task's name and id. */
export function nameText({ name, id }: Pick<TaskInLine, 'name' | 'id'>): string {
  return `${printable(name)} ${dim(id)}`
}

/** The worker of a running task, and whether it still gives signs of life. */
export function workerText(
  { workerId }: Pick<TaskInLine, 'workerId'>,
  workers: readonly WorkerRecord[],
): string {
  const worker = workers.find(({ id }) => id === workerId)
  if (worker === undefined) return `a worker that is ${red('gone')}`
  const name = `worker ${printable(worker.name)}`
  return worker.alive ? name : `${name}, whose heartbeat is ${red('overdue')}`
}
