import { v7 as uuidv7 } from 'uuid'
import type { Store } from '@tasking/core'

/**
 * A store that is made when its first verb is called. The database's libraries take most of the
 * memory and the start of a process for handlers, and most handlers need nothing of them.
 * @param make called once; the store that it makes has no signals
 */
export function lazyStore(make: () => Promise<Store>): Store {
  let making: Promise<Store> | undefined
  const made = () => (making ??= make())
  const close = async () => (await making)?.close()
  return {
    newId: () => uuidv7(),
    signals: undefined,
    check: async () => (await made()).check(),
    dispatch: async (tasks, target) => (await made()).dispatch(tasks, target),
    turn: async (turn) => (await made()).turn(turn),
    complete: async (completion, target) => (await made()).complete(completion, target),
    cancel: async (id, reason) => (await made()).cancel(id, reason),
    delete: async (id) => (await made()).delete(id),
    purge: async (batch) => (await made()).purge(batch),
    find: async (ids) => (await made()).find(ids),
    list: async (filter) => (await made()).list(filter),
    count: async (relation) => (await made()).count(relation),
    reportProgress: async (workerId, progress) => (await made()).reportProgress(workerId, progress),
    progress: async (id) => (await made()).progress(id),
    recordCreation: async (record) => (await made()).recordCreation(record),
    created: async (id) => (await made()).created(id),
    createGroup: async (group, target) => (await made()).createGroup(group, target),
    closeGroup: async (id) => (await made()).closeGroup(id),
    cancelGroup: async (id, reason) => (await made()).cancelGroup(id, reason),
    groups: async (filter) => (await made()).groups(filter),
    explain: async (id) => (await made()).explain(id),
    resources: async (filter) => (await made()).resources(filter),
    line: async (resource, limit) => (await made()).line(resource, limit),
    setSchedule: async (schedule) => (await made()).setSchedule(schedule),
    schedules: async (name) => (await made()).schedules(name),
    removeSchedule: async (name) => (await made()).removeSchedule(name),
    planSchedule: async (plan) => (await made()).planSchedule(plan),
    dueSchedules: async (limit) => (await made()).dueSchedules(limit),
    fireSchedule: async (firing) => (await made()).fireSchedule(firing),
    registerWorker: async (worker) => (await made()).registerWorker(worker),
    beat: async (id) => (await made()).beat(id),
    unregisterWorker: async (id) => (await made()).unregisterWorker(id),
    workers: async () => (await made()).workers(),
    pauseQueue: async (queue, reason) => (await made()).pauseQueue(queue, reason),
    resumeQueue: async (queue) => (await made()).resumeQueue(queue),
    queues: async () => (await made()).queues(),
    metrics: async () => (await made()).metrics(),
    housekeep: async (options) => (await made()).housekeep(options),
    promote: async () => (await made()).promote(),
    close,
    [Symbol.asyncDispose]: close,
  }
}
