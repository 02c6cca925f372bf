import type { AnyTaskDefinition } from './definition.ts'
import { milliseconds } from './duration.ts'
import type { DispatchedTask, NewTask, TaskError, WorkerId } from './task.ts'
import type { Versions } from './version.ts'

/** Beyond what any other task may have, so that workers take those first that were left to them. */
export const immediatePriority = 10_000_000

const defaultTimeoutMs = 5_000

/** Runs immediate tasks in the process that dispatches them. */
export interface ImmediateRunner {
  /** As whom it runs them; `undefined` before its start, and after its stop. */
  readonly workerId: WorkerId | undefined
  /** Of the components that tasks may require. */
  readonly versions: Versions
  /** Safe to call again, also after a stop. */
  start(): Promise<void>
  /** Waits for the handlers that run. Safe to call again. */
  stop(): Promise<void>
  /**
   * Dispatches a task and, where the answer says that it runs as this runner's own, runs it here.
   * @param dispatch told to whom the task is to belong
   * @returns the answer, once the end of the task is stored
   */
  run(
    task: NewTask,
    dispatch: (owner: WorkerId) => Promise<DispatchedTask>,
  ): Promise<DispatchedTask>
}

/** Why an immediate task that is not to be left to workers was canceled at its dispatch. */
export const resourcesUnavailable: TaskError = {
  name: 'ResourcesUnavailableError',
  code: 'resources_unavailable',
  message: 'Resources temporarily unavailable.',
}

/** How long a definition's handlers may run, in milliseconds; `undefined` for ever. */
export function timeoutMsOf({
  timeout,
  immediate = false,
}: Pick<AnyTaskDefinition, 'timeout' | 'immediate'>): number | undefined {
  if (timeout !== undefined) return milliseconds(timeout, 'timeout')
  return immediate ? defaultTimeoutMs : undefined
}
