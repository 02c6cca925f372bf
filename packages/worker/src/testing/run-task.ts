import {
  BatchEntryError,
  createTasking,
  defaultQueue,
  encryptionKeysFrom,
  InvalidOptionError,
  MemoryStore,
  newEncryptionKey,
  silentLogger,
} from '@tasking/core'
import type {
  AnyTaskDefinition,
  BatchEntry,
  DispatchedHandle,
  DispatchOptions,
  Jsonified,
  Logger,
  TaskDefinition,
  Tasking,
} from '@tasking/core'
import { TaskAbort } from '../task-abort.ts'
import { taskLog } from '../task-log.ts'
import { HandWorker } from './hand-worker.ts'

export interface RunTaskOptions {
  /** Makes the handler's own signal abort, as a cancel does. */
  readonly signal?: AbortSignal
  /** Where the handler's dispatches go, and where the task stands. Default: one in memory, unseen. */
  readonly tasking?: Tasking
  /** As for a dispatch, but that it is due at once. */
  readonly options?: DispatchOptions
  /** Where the handler's log goes. Default: nowhere. */
  readonly logger?: Logger
}

// A task that takes nothing needs no input argument.
type RunArguments<Dispatched> = undefined extends Dispatched
  ? [input?: Dispatched, options?: RunTaskOptions]
  : [input: Dispatched, options?: RunTaskOptions]

/**
 * Runs a task's handler once, here and now, with all that it has in production: its input goes
 * through JSON and its schema, its context is a worker's, and its result goes through JSON.
 * @returns the result
 * @throws what the handler throws, as it is; InvalidInputError and the like for a wrong input
 */
export async function runTask<Dispatched, Input, Result>(
  definition: TaskDefinition<Dispatched, Input, Result>,
  ...[input, options = {}]: RunArguments<NoInfer<Dispatched>>
): Promise<Jsonified<Result>> {
  const { tasking } = options
  if (tasking !== undefined) return run(tasking, definition, input, options)
  // A definition may ask for encryption: this key is as good as any.
  const encryption = { keys: encryptionKeysFrom(newEncryptionKey('test')) }
  await using own: Tasking = createTasking({ store: new MemoryStore(), encryption })
  return await run(own, definition, input, options)
}

async function run<Result>(
  tasking: Tasking,
  definition: AnyTaskDefinition,
  input: unknown,
  { signal, options, logger = silentLogger }: RunTaskOptions,
): Promise<Jsonified<Result>> {
  // A queue of its own, so that it is this task that is claimed.
  const queue = `run-task ${tasking.store.newId()}`
  // It is to wait here for the worker below.
  const deferred = { ...definition, deferrable: true }
  const { delay: _delay, runAt: _runAt, ...now } = options ?? {}
  const entry = { definition: deferred, input, options: { ...now, queue } }
  const handle = await dispatch(tasking, entry)
  if (handle.outcome === 'twin') {
    throw new InvalidOptionError('dedupe', options?.dedupe, 'a key without an unfinished twin')
  }
  const task = await handle.load()
  await using worker = await HandWorker.register(tasking, [definition.name], [task])
  const claimed = await worker.claim()
  if (claimed === undefined) {
    if (task.state === 'waiting') await handle.cancel('It can not run now.')
    throw new InvalidOptionError('tasking', handle.outcome, 'one where the resources are free')
  }
  const ownQueue = options?.queue ?? definition.queue ?? defaultQueue
  const handler = worker.runOf({ ...claimed, queue: ownQueue })
  const abort = () =>
    handler.abort(new TaskAbort('task_canceled', 'The test has asked it to stop.'))
  if (signal?.aborted) abort()
  signal?.addEventListener('abort', abort, { once: true })
  const completion = await handler.run(
    withDefinition(tasking, definition),
    taskLog(logger, handler.task),
  )
  signal?.removeEventListener('abort', abort)
  const { result } = await worker.end(completion)
  if (completion.state !== 'completed') throw handler.thrown
  // The definition's author gave its type.
  return result as Jsonified<Result>
}

async function dispatch(tasking: Tasking, entry: BatchEntry): Promise<DispatchedHandle<unknown>> {
  try {
    const [handle] = await tasking.dispatchBatch([entry] as const)
    return handle
  } catch (error) {
    throw error instanceof BatchEntryError ? error.cause : error
  }
}

function withDefinition(tasking: Tasking, definition: AnyTaskDefinition): Tasking {
  const { name } = definition
  return {
    ...tasking,
    definition: (wanted) => (wanted === name ? definition : tasking.definition(wanted)),
  }
}
