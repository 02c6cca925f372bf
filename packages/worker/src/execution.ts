import type { Clock, ClaimedTask, Completion, Logger, Tasking, WorkerId } from '@tasking/core'
import { HandlerRun } from './handler-run.ts'
import type { OnProgress } from './handler-run.ts'
import type { TaskAbort } from './task-abort.ts'

/** The way in which a task's handler runs: on the worker's own event loop, or in a child. */
export interface Execution {
  /**
   * Runs the handler to its end, whatever it throws.
   * @param onBegin called when the handler starts, which may be a while after the claim
   */
  run(onBegin: () => void): Promise<Completion>
  /** Tells the handler to stop. */
  abort(reason: TaskAbort): void
  /** Ends the handler by force; not there where nothing can do that. */
  kill?(): void
}

/** Runs the handler on the worker's own event loop. */
export function inlineExecution(
  task: ClaimedTask,
  workerId: WorkerId,
  tasking: Tasking,
  { log, clock }: { readonly log: Logger; readonly clock: Clock },
  onProgress: OnProgress,
): Execution {
  const run = new HandlerRun(task, workerId, { onProgress, random: () => clock.random() })
  return {
    run(onBegin) {
      onBegin()
      return run.run(tasking, log)
    },
    abort: (reason) => run.abort(reason),
  }
}
