import type { Clock } from './clock.ts'
import type { Dispatch } from './dispatch.ts'
import { milliseconds } from './duration.ts'
import { GroupNotFoundError, GroupTimeoutError, StoreUnavailableError } from './errors.ts'
import { groupResource, incompleteIn } from './group.ts'
import type { GroupCancellation, TaskGroupRecord } from './group.ts'
import { storableText } from './json.ts'
import type { DispatchOptions } from './new-task.ts'
import type { Store } from './store.ts'
import type { DispatchTarget } from './task-store.ts'
import type { ResultOptions } from './task-handle.ts'
import type { TaskCounts, TaskGroupId } from './task.ts'

const shortestPollMs = 20
const longestPollMs = 500

/** A group of tasks as its creator holds it. */
export interface TaskGroup<Tx = never> {
  readonly id: TaskGroupId
  /**
   * Dispatches a task of the group.
   * @throws GroupClosedError, GroupNotFoundError, and whatever `tasking.dispatch` throws
   */
  readonly dispatch: Dispatch<Omit<DispatchOptions, 'group'> & DispatchTarget<Tx>>
  /**
   * Dispatches the task that starts when all others of the group have ended, however they did, and
   * closes the group. @throws GroupClosedError where it has a finalizer already
   */
  readonly finish: Dispatch<Omit<DispatchOptions, 'group'> & DispatchTarget<Tx>>
  /** How many of its tasks are in each state. */
  counts(): Promise<TaskCounts>
  /** @throws GroupNotFoundError */
  load(): Promise<TaskGroupRecord>
  /** All is dispatched: it takes in nothing more. @throws GroupNotFoundError */
  close(): Promise<TaskGroupRecord>
  /**
   * Waits until every task that was dispatched into it has ended, its finalizer too.
   * @throws GroupTimeoutError, GroupNotFoundError
   */
  wait(options?: ResultOptions): Promise<TaskCounts>
  /** Closes it and cancels all its tasks that are not finished, its finalizer too. */
  cancel(reason?: string): Promise<GroupCancellation>
}

export function createGroupHandle<Tx>(
  id: TaskGroupId,
  store: Store<Tx>,
  clock: Clock,
  dispatch: Dispatch<DispatchOptions & DispatchTarget<Tx>>,
): TaskGroup<Tx> {
  async function load(): Promise<TaskGroupRecord> {
    const [group] = await store.groups({ ids: [id] })
    if (group === undefined) throw new GroupNotFoundError(id)
    return group
  }
  const join: TaskGroup<Tx>['dispatch'] = (definition, ...[input, options]) =>
    // The tuple's two forms are one call: an input that may be left out is undefined.
    Reflect.apply(dispatch, undefined, [definition, input, { ...options, group: id }])
  return {
    id,
    load,
    dispatch: join,
    finish: (definition, ...[input, options]) => {
      const rule = definition.resources
      const alone = [groupResource(id)]
      const finalizer = {
        ...definition,
        resources(value: never) {
          const own = typeof rule === 'function' ? rule(value) : rule
          return { ...own, exclusive: [...(own?.exclusive ?? []), ...alone] }
        },
      }
      return Reflect.apply(join, undefined, [finalizer, input, options])
    },
    counts: () => store.count({ groupId: id }),
    async close() {
      await store.closeGroup(id)
      return load()
    },
    async wait({ timeout, signal } = {}) {
      const until = timeout === undefined ? Infinity : milliseconds(timeout, 'timeout')
      const startedAt = clock.now().getTime()
      await load()
      for (let pollMs = shortestPollMs; ; pollMs = Math.min(pollMs * 1.5, longestPollMs)) {
        signal?.throwIfAborted()
        // An outage ends, and the tasks go on meanwhile.
        const counts = await store.count({ groupId: id }).catch((error: unknown) => {
          if (!(error instanceof StoreUnavailableError)) throw error
        })
        if (counts !== undefined && incompleteIn(counts) === 0) return counts
        const leftMs = startedAt + until - clock.now().getTime()
        if (leftMs <= 0) throw new GroupTimeoutError(id, until)
        await clock.sleep(Math.min(pollMs, leftMs), signal)
      }
    },
    cancel: (reason) =>
      store.cancelGroup(id, reason === undefined ? undefined : storableText(reason)),
  }
}
