import type { Explanation, WorkerRecord } from '@tasking/core'
import { count } from './count.ts'
import { printable } from './printable.ts'

/** Who could claim a task that nothing blocks, or why nobody does. */
export function claimText(
  { task, workers: { serving, freeSlots } }: Explanation,
  workers: readonly WorkerRecord[],
): string {
  const queue = `queue "${printable(task.queue)}"`
  const serve = `${count(serving, 'worker')} ${serving === 1 ? 'serves' : 'serve'} ${queue}`
  if (freeSlots > 0) return `${serve}, ${count(freeSlots, 'slot')} free`
  if (serving > 0) return `${serve}, no slot is free`
  const alive = workers.filter((worker) => worker.alive)
  if (alive.length === 0) return 'no worker is alive'
  if (!alive.some(({ queues }) => queues.includes(task.queue))) {
    return `no living worker serves ${queue}`
  }
  return `no living worker that serves ${queue} knows "${printable(task.name)}"`
}
