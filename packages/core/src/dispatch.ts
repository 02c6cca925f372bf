import type { TaskDefinition } from './definition.ts'
import type { DispatchOptions } from './new-task.ts'
import type { DispatchedHandle } from './task-handle.ts'

// A definition whose dispatch takes nothing needs no input argument.
type InputArgument<Dispatched> = undefined extends Dispatched
  ? [input?: Dispatched]
  : [input: Dispatched]

/** Options can only follow an input, so a task without one takes `undefined` in its place. */
export type DispatchArguments<Dispatched, Options> =
  | InputArgument<Dispatched>
  | [input: Dispatched, options: Options]

/** Creates a task of a definition. */
export type Dispatch<Options = DispatchOptions> = <Dispatched, Input, Result>(
  definition: TaskDefinition<Dispatched, Input, Result>,
  // Not a place to infer from: the definition alone says what goes in.
  ...args: DispatchArguments<NoInfer<Dispatched>, Options>
) => Promise<DispatchedHandle<Result>>
