import type { AnyTaskDefinition, TaskDefinition } from './definition.ts'
import type { DispatchArguments } from './dispatch.ts'
import type { DispatchOptions } from './new-task.ts'
import type { DispatchedHandle } from './task-handle.ts'

/** One entry of a batch; make it with `batchEntry`, which checks the input's type. */
export interface BatchEntry<Result = unknown> {
  readonly definition: AnyTaskDefinition & { run(...args: never): Result | Promise<Result> }
  readonly input?: unknown
  readonly options?: DispatchOptions
}

/** The handles of a batch, each with the type of its task's result. */
export type BatchHandles<Entries extends readonly BatchEntry[]> = {
  -readonly [Index in keyof Entries]: Entries[Index] extends BatchEntry<infer Result>
    ? DispatchedHandle<Result>
    : never
}

/** An entry for `dispatchBatch`, with the same checks at compile time as `dispatch`. */
export function batchEntry<Dispatched, Input, Result>(
  definition: TaskDefinition<Dispatched, Input, Result>,
  ...[input, options]: DispatchArguments<NoInfer<Dispatched>, DispatchOptions>
): BatchEntry<Result> {
  return { definition, input, ...(options && { options }) }
}
