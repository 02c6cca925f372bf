import type { Store } from '@tasking/core'

/** The store itself but for some verbs. */
export function forwardingStore(store: Store, verbs: Partial<Store>): Store {
  return {
    newId: () => store.newId(),
    check: () => store.check(),
    dispatch: (tasks, target) => store.dispatch(tasks, target),
    turn: (turn) => store.turn(turn),
    complete: (completion, target) => store.complete(completion, target),
    reportProgress: (workerId, progress) => store.reportProgress(workerId, progress),
    progress: (id) => store.progress(id),
    recordCreation: (record) => store.recordCreation(record),
    created: (id) => store.created(id),
    createGroup: (group, target) => store.createGroup(group, target),
    closeGroup: (id) => store.closeGroup(id),
    cancelGroup: (id, reason) => store.cancelGroup(id, reason),
    groups: (filter) => store.groups(filter),
    explain: (id) => store.explain(id),
    resources: (filter) => store.resources(filter),
    line: (resource, limit) => store.line(resource, limit),
    cancel: (id, reason) => store.cancel(id, reason),
    delete: (id) => store.delete(id),
    purge: (batch) => store.purge(batch),
    find: (ids) => store.find(ids),
    list: (filter) => store.list(filter),
    count: (relation) => store.count(relation),
    setSchedule: (schedule) => store.setSchedule(schedule),
    schedules: (name) => store.schedules(name),
    removeSchedule: (name) => store.removeSchedule(name),
    planSchedule: (plan) => store.planSchedule(plan),
    dueSchedules: (limit) => store.dueSchedules(limit),
    fireSchedule: (firing) => store.fireSchedule(firing),
    registerWorker: (worker) => store.registerWorker(worker),
    beat: (id) => store.beat(id),
    unregisterWorker: (id) => store.unregisterWorker(id),
    workers: () => store.workers(),
    pauseQueue: (queue, reason) => store.pauseQueue(queue, reason),
    resumeQueue: (queue) => store.resumeQueue(queue),
    queues: () => store.queues(),
    metrics: () => store.metrics(),
    housekeep: () => store.housekeep(),
    promote: () => store.promote(),
    // Where a store has signals may be known only after its check.
    get signals() {
      return store.signals
    },
    close: () => store.close(),
    [Symbol.asyncDispose]: () => store.close(),
    ...verbs,
  }
}
