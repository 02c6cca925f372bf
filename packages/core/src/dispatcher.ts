import type { AnyTaskDefinition } from './definition.ts'
import { NotDeferrableError } from './errors.ts'
import type { ImmediateRunner } from './immediate.ts'
import type { DispatchOptions } from './new-task.ts'
import type { Store } from './store.ts'
import type { DispatchTarget } from './task-store.ts'
import type { DispatchedTask, NewTask } from './task.ts'
import { satisfies } from './version.ts'

interface Surroundings<Tx> {
  readonly store: Store<Tx>
  /** Those that can run here. */
  readonly definitions: ReadonlyMap<string, AnyTaskDefinition>
  readonly runner: () => ImmediateRunner | undefined
  readonly preferDefer: boolean
}

/** Dispatches single tasks: to workers, or immediate ones to run here. */
export function createDispatcher<Tx>(here: Surroundings<Tx>) {
  const { store, definitions } = here

  // Why it can't run here; undefined where it can.
  function obstacle(task: NewTask, { tx, delay, runAt }: DispatchOptions & DispatchTarget<Tx>) {
    const runner = here.runner()
    if (tx !== undefined) return 'it is dispatched within a transaction'
    if (delay !== undefined || runAt !== undefined) return 'it is not due yet'
    if (!definitions.has(task.name)) return 'its definition is not among the tasks of this tasking'
    if (runner?.workerId === undefined) return 'this tasking has not been started'
    if (!satisfies(runner.versions, task.options?.requires ?? {})) {
      return 'a version that it requires is not here'
    }
    return undefined
  }

  return async (
    definition: AnyTaskDefinition,
    task: NewTask,
    options: DispatchOptions & DispatchTarget<Tx> = {},
  ): Promise<DispatchedTask | undefined> => {
    const { immediate = false, deferrable = true } = definition
    const { preferDefer = here.preferDefer } = options
    const runner = here.runner()
    if (immediate && !(deferrable && preferDefer)) {
      const why = obstacle(task, options)
      if (why !== undefined && !deferrable) throw new NotDeferrableError(definition.name, why)
      if (why === undefined && runner !== undefined) {
        const { ifBlocked = deferrable ? undefined : 'cancel' } = task
        return runner.run(task, async (owner) => {
          const asked = { ...task, owner, ...(ifBlocked !== undefined && { ifBlocked }) }
          const [dispatched] = await store.dispatch([asked])
          return dispatched ?? { id: task.id, state: 'waiting', blocked: false }
        })
      }
    }
    const [dispatched] = await store.dispatch([task], options)
    return dispatched
  }
}

/** @throws NotDeferrableError for a definition whose tasks have to run where they are dispatched */
export function checkDeferrable(
  { name, immediate = false, deferrable = true }: AnyTaskDefinition,
  why: string,
): void {
  if (immediate && !deferrable) throw new NotDeferrableError(name, why)
}
