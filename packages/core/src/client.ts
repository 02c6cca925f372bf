import type { BatchEntry, BatchHandles } from './batch.ts'
import { Cipher } from './cipher.ts'
import { systemClock } from './clock.ts'
import type { AnyTaskDefinition } from './definition.ts'
import { checkDeferrable, createDispatcher } from './dispatcher.ts'
import {
  BatchEntryError,
  DuplicateTaskError,
  InvalidOptionError,
  ResourcesBusyError,
  TaskNotFoundError,
  UnknownTaskError,
} from './errors.ts'
import { FinishWatch } from './finish-watch.ts'
import { checkedGroupId } from './group.ts'
import { createGroupHandle } from './group-handle.ts'
import { isName } from './name.ts'
import { checkedQueue, newTask } from './new-task.ts'
import type { DispatchOptions } from './new-task.ts'
import { purge } from './purge.ts'
import { createSchedules } from './schedules.ts'
import type { DispatchedTask, TaskId } from './task.ts'
import { cancelTask, createTaskHandle, outcomeOf } from './task-handle.ts'
import type { DispatchTarget } from './task-store.ts'
import type { Tasking, TaskingOptions } from './tasking.ts'

/**
 * Brings definitions and a store together. Two of them in one process don't meet.
 * @throws DuplicateTaskError
 */
export function createTasking<Tx>(options: TaskingOptions<Tx>): Tasking<Tx> {
  const { store, tasks = [], schedules = [], clock = systemClock, encryption } = options
  const { immediate, preferDefer = false } = options
  const definitions = new Map<string, AnyTaskDefinition>()
  for (const definition of tasks) {
    if (definitions.has(definition.name)) throw new DuplicateTaskError(definition.name)
    definitions.set(definition.name, definition)
  }
  const watch = new FinishWatch(store, clock)
  const cipher = new Cipher(encryption)

  async function prepared(definition: AnyTaskDefinition, input: unknown, asked?: DispatchOptions) {
    const task = await newTask(store.newId(), definition, input, asked)
    const subject = { task: task.name, id: task.id }
    return { ...task, input: await cipher.seal(task.input, subject, isEncrypted(definition)) }
  }

  function handleOf<Result>(asked: TaskId, dispatched: DispatchedTask | undefined) {
    const answer = dispatched ?? { id: asked, state: 'waiting', blocked: false }
    const handle = createTaskHandle<Result>(answer.id, store, watch, clock)
    return { ...handle, outcome: outcomeOf(asked, answer) }
  }

  const dispatchTask = createDispatcher({ store, definitions, preferDefer, runner: () => runner })
  const tasking: Tasking<Tx> = {
    store,
    definitions,
    redactError: options.redactError,
    definition(name) {
      const definition = definitions.get(name)
      if (definition === undefined) throw new UnknownTaskError(name, [...definitions.keys()])
      return definition
    },
    async dispatch(definition, ...[input, options]) {
      const task = await prepared(definition, input, options)
      return handleOf(task.id, await dispatchTask(definition, task, options))
    },
    async dispatchBatch<const Entries extends readonly BatchEntry[]>(
      entries: Entries,
      target?: DispatchTarget<Tx>,
    ) {
      const tasks = await Promise.all(
        entries.map(async ({ definition, input, options }, index) => {
          try {
            checkDeferrable(definition, 'it is part of a batch')
            return await prepared(definition, input, options)
          } catch (cause) {
            throw new BatchEntryError(index, cause)
          }
        }),
      )
      if (tasks.length === 0) return [] as unknown as BatchHandles<Entries>
      const dispatched = await store.dispatch(tasks, target).catch((error: unknown) => {
        throw error instanceof ResourcesBusyError ? new BatchEntryError(error.index, error) : error
      })
      // One handle per entry, in their order.
      const handles = tasks.map(({ id }, index) => handleOf(id, dispatched[index]))
      return handles as BatchHandles<Entries>
    },
    task: (id) => createTaskHandle(id, store, watch, clock),
    schedules: createSchedules(store, clock, cipher, schedules, handleOf),
    canRun: (definition) => cipher.hasKeys || !isEncrypted(definition),
    openInput: ({ id, name, input, options: own }) => {
      const { schedule } = own ?? {}
      const subject = schedule === undefined ? { task: name, id } : { task: name, schedule }
      return cipher.open(input, subject)
    },
    async find(id) {
      const [task] = await store.find([id])
      if (task === undefined) throw new TaskNotFoundError(id)
      return task
    },
    list: (filter) => store.list(filter),
    created: (id) => store.created(id),
    progress: (id) => store.progress(id),
    count: (relation) => store.count(relation),
    async createGroup({ description, ...target } = {}) {
      if (description !== undefined && !isName(description, 1_000)) {
        throw new InvalidOptionError('description', description, 'a text of 1 to 1,000 characters')
      }
      const id = store.newId()
      await store.createGroup({ id, ...(description !== undefined && { description }) }, target)
      return createGroupHandle(id, store, clock, tasking.dispatch)
    },
    group: (id) => createGroupHandle(checkedGroupId(id), store, clock, tasking.dispatch),
    groups: (filter) => store.groups(filter),
    explain: (id) => store.explain(id),
    resources: (filter) => store.resources(filter),
    line: (resource, limit) => store.line(resource, limit),
    cancel: (id, reason) => cancelTask(store, id, reason),
    delete: (id) => store.delete(id),
    pauseQueue: async (queue, reason) => store.pauseQueue(checkedQueue(queue), reason),
    resumeQueue: async (queue) => store.resumeQueue(checkedQueue(queue)),
    queues: () => store.queues(),
    metrics: () => store.metrics(),
    purge: async (options) => purge(store, clock.now(), options),
    async start() {
      if (runner === undefined) {
        const expected = 'an immediateRunner() of @tasking/worker, which start() needs'
        throw new InvalidOptionError('immediate', immediate, expected)
      }
      await runner.start()
      return tasking
    },
    stop: async () => runner?.stop(),
    async close() {
      await tasking.stop()
      watch.close()
      await store.close()
    },
    [Symbol.asyncDispose]: () => tasking.close(),
  }
  const runner = immediate?.(tasking)
  return tasking
}

function isEncrypted({ encrypted = false }: AnyTaskDefinition): boolean {
  return encrypted
}
