import type { FinalState } from '../state-machine.ts'
import type { Store } from '../store.ts'
import type { PurgeBatch } from '../task-store.ts'
import type { NewTask } from '../task.ts'
import type { ConformanceCase } from './index.ts'
import { completed, failed, HandWorker, idsOf, load, rejects, same, taskOf } from './stand.ts'

export const purgingCases: readonly ConformanceCase[] = [
  {
    name: 'delete: a finished task, and no other',
    async run(store) {
      const [waiting, done] = [taskOf(store), taskOf(store)]
      await store.dispatch([waiting, done])
      await rejects(store.delete(waiting.id), 'task_state_conflict')
      await store.cancel(done.id)
      await store.delete(done.id)
      same(idsOf(await store.list()), [waiting.id], 'left')
      await rejects(store.delete(done.id), 'task_not_found')
      await rejects(store.delete(store.newId()), 'task_not_found')
    },
  },
  {
    name: 'delete: not while it runs or is asked to stop, and its reservations stay',
    async run(store) {
      const task = taskOf(store, { exclusive: ['r'] })
      await store.dispatch([task])
      const worker = await HandWorker.register(store)
      await worker.claim(1)
      await rejects(store.delete(task.id), 'task_state_conflict')
      await store.cancel(task.id)
      await rejects(store.delete(task.id), 'task_state_conflict')
      same((await load(store, task.id)).state, 'canceling', 'still there')
      same((await store.line('r')).length, 1, 'in line')
    },
  },
  {
    name: 'purge: one state at a time, whatever came before or after',
    async run(store) {
      const { ended, unfinished } = await oneOfEach(store)
      for (const state of ['completed', 'failed', 'canceled', 'skipped'] as const) {
        same((await store.purge(batchOf(state))).tasks, 1, state)
        same(await store.find([ended[state]]), [], `${state} is gone`)
        same((await store.purge(batchOf(state))).tasks, 0, `${state} again`)
      }
      same(idsOf(await store.list()).toSorted(), unfinished.toSorted(), 'left')
    },
  },
  {
    name: 'purge: only what finished before, of this queue and this name',
    async run(store) {
      const task = taskOf(store, {}, { queue: 'q', name: 'n' })
      await store.dispatch([task])
      const { finishedAt } = await store.cancel(task.id)
      const misses: Partial<PurgeBatch>[] = [
        { finishedBefore: finishedAt ?? new Date(0) },
        { queue: 'default' },
        { name: 'task' },
      ]
      for (const miss of misses) {
        same((await store.purge(batchOf('canceled', miss))).tasks, 0, JSON.stringify(miss))
      }
      same((await store.purge(batchOf('canceled', { queue: 'q', name: 'n' }))).tasks, 1, 'fits')
    },
  },
  {
    name: 'purge: in batches, each going on where the one before has ended',
    async run(store) {
      const tasks = Array.from({ length: 5 }, () => taskOf(store))
      await store.dispatch(tasks)
      for (const { id } of tasks.slice(0, 4)) await store.cancel(id)
      const counted = await batches(store, { dryRun: true })
      same([counted, (await store.list()).length], [4, 5], 'counted only')
      same(await batches(store, {}), 4, 'deleted')
      same((await store.list()).length, 1, 'left')
    },
  },
]

/** All there is of a state, finished by now. */
function batchOf(state: FinalState, rest: Partial<PurgeBatch> = {}): PurgeBatch {
  return { state, finishedBefore: new Date('2100-01-01'), limit: 100, ...rest }
}

async function batches(store: Store, rest: Partial<PurgeBatch>): Promise<number> {
  let sum = 0
  let { tasks, next } = await store.purge(batchOf('canceled', { ...rest, limit: 2 }))
  for (sum += tasks; next !== undefined; sum += tasks) {
    const after = next
    ;({ tasks, next } = await store.purge(batchOf('canceled', { ...rest, limit: 2, after })))
  }
  return sum
}

/** A task in each final state, and one that waits, runs and is asked to stop. */
async function oneOfEach(store: Store) {
  const worker = await HandWorker.register(store)
  const dispatch = async (task: NewTask) => {
    await store.dispatch([task])
    return task.id
  }
  const running = await dispatch(taskOf(store, { exclusive: ['r'] }))
  await worker.claim(1)
  const canceling = await dispatch(taskOf(store))
  await worker.claim(1)
  await store.cancel(canceling)
  const skipped = await dispatch(taskOf(store, { exclusive: ['r'] }, { ifBlocked: 'skip' }))
  const good = await dispatch(taskOf(store))
  const bad = await dispatch(taskOf(store))
  for (const task of await worker.claim(2)) {
    await worker.turn(0, [task.id === good ? completed(task) : failed(task)])
  }
  const canceled = await dispatch(taskOf(store))
  await store.cancel(canceled)
  const waiting = await dispatch(taskOf(store))
  const ended: Record<FinalState, string> = { completed: good, failed: bad, canceled, skipped }
  return { ended, unfinished: [running, canceling, waiting] }
}
