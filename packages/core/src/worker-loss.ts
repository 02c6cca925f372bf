import type { TaskError } from './task.ts'

/** How the error of a task reads whose worker has gone missing. */
export function workerMissing(workerName: string): TaskError {
  return {
    name: 'WorkerMissingError',
    code: 'worker_missing',
    message: `Worker "${workerName}" has gone missing.`,
  }
}

/** How the error of a task reads whose worker left while it ran. */
export const workerStopped: TaskError = {
  name: 'WorkerStoppedError',
  code: 'worker_stopped',
  message: 'The worker stopped while the task was running.',
}
