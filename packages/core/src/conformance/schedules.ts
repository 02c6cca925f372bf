import { normalizeResources } from '../resource.ts'
import type { ResourceRequest } from '../resource.ts'
import type { NewSchedule, Schedule } from '../schedule.ts'
import type { Store } from '../store.ts'
import type { ConformanceCase } from './index.ts'
import { HandWorker, load, only, same, taskOf } from './stand.ts'

const hour = 3_600_000

/** From now on, by this process's clock; an hour of difference to the store's does no harm. */
const inHours = (hours: number) => new Date(new Date().getTime() + hours * hour)

/** A schedule that was due two hours ago. */
function overdue(request: ResourceRequest = {}, rest: Partial<NewSchedule> = {}): NewSchedule {
  return {
    name: 'nightly',
    timing: { everyMs: 24 * hour },
    task: {
      ...{ name: 'task', input: { a: ['ä"\\', 1.5, null] }, queue: 'default', priority: 3 },
      ...{ resources: normalizeResources(request), options: { schedule: 'nightly' } },
    },
    nextAt: inHours(-2),
    ...rest,
  }
}

/** Fires it as a worker does that has found it due. */
function fire(store: Store, { name, revision }: Schedule, nextAt: Date | null = inHours(22)) {
  return store.fireSchedule({ name, taskId: store.newId(), due: { revision, nextAt } })
}

const found = async (store: Store) => only(await store.schedules('nightly'))

export const scheduleCases: readonly ConformanceCase[] = [
  {
    name: 'schedules: are kept as they were set, in the order of their names',
    async run(store) {
      const nightly = overdue({ exclusive: ['a'], shared: ['b'] })
      const set = await store.setSchedule(nightly)
      await store.setSchedule({ ...nightly, name: 'Z' })
      const never = { pausedAt: null, lastTaskId: null, lastFiredAt: null, lastSkippedAt: null }
      same(set, { ...nightly, ...never, revision: 1 }, 'answer')
      same(await store.schedules('nightly'), [set], 'by its name')
      same(await store.schedules('none'), [], 'unknown')
      const names = (await store.schedules()).map(({ name }) => name)
      same(names, ['Z', 'nightly'], 'all')
    },
  },
  {
    name: 'schedules: setting the same again changes nothing, the same timing not when it is due',
    async run(store) {
      const first = await store.setSchedule(overdue())
      same(await store.setSchedule(overdue({}, { nextAt: inHours(5) })), first, 'the same')
      const other = overdue({ exclusive: ['r'] }, { nextAt: inHours(5) })
      const second = await store.setSchedule(other)
      same([second.nextAt, second.task], [first.nextAt, other.task], 'another task')
      const timing = { cron: '0 3 * * *', timeZone: 'UTC' }
      const third = await store.setSchedule({ ...other, timing })
      same([third.nextAt, third.timing], [other.nextAt, timing], 'another timing')
      same(third.revision > second.revision && second.revision > first.revision, true, 'revisions')
    },
  },
  {
    name: 'schedules: what is due comes first, and how long until the next one',
    async run(store) {
      same(only([await store.dueSchedules()]).due, [], 'none at all')
      same((await store.dueSchedules()).nextInMs, null, 'never')
      await store.setSchedule(overdue({}, { name: 'late', nextAt: inHours(-1) }))
      await store.setSchedule(overdue({}, { name: 'later', nextAt: inHours(-2) }))
      await store.setSchedule(overdue({}, { name: 'soon', nextAt: inHours(1) }))
      const { due, nextInMs } = await store.dueSchedules()
      const names = due.map(({ name }) => name)
      same(names, ['later', 'late'], 'due')
      same(due[0], only(await store.schedules('later')), 'whole')
      same(nextInMs !== null && nextInMs > hour / 2 && nextInMs <= hour * 1.5, true, 'next')
      const few = await store.dueSchedules(1)
      same([few.due.map(({ name }) => name), few.nextInMs], [['later'], 0], 'more than asked for')
    },
  },
  {
    name: 'schedules: firing dispatches the task, and says when it is due next',
    async run(store) {
      const schedule = await store.setSchedule(overdue({ exclusive: ['r'], shared: ['s'] }))
      const taskId = store.newId()
      const due = { revision: schedule.revision, nextAt: inHours(22) }
      const outcome = await store.fireSchedule({ name: 'nightly', taskId, due })
      same(outcome, { kind: 'fired', taskId, blocked: false }, 'outcome')
      const task = await load(store, taskId)
      same([task.name, task.input, task.priority], ['task', schedule.task.input, 3], 'task')
      same(
        [task.resources, task.options],
        [schedule.task.resources, { schedule: 'nightly' }],
        'more',
      )
      const { nextAt, lastTaskId, lastFiredAt } = await found(store)
      same([nextAt, lastTaskId], [due.nextAt, taskId], 'schedule')
      same(lastFiredAt instanceof Date, true, 'time')
      const worker = await HandWorker.register(store)
      same(only(await worker.claim(10)).id, taskId, 'claimed')
    },
  },
  {
    name: 'schedules: a fired task stands in line like any other',
    async run(store) {
      await store.dispatch([taskOf(store, { exclusive: ['r'] })])
      const schedule = await store.setSchedule(overdue({ exclusive: ['r'] }))
      const outcome = await fire(store, schedule)
      same(outcome.kind === 'fired' && outcome.blocked, true, 'blocked')
    },
  },
  {
    name: 'schedules: of many that have seen the same time, one fires',
    async run(store) {
      const schedule = await store.setSchedule(overdue())
      const outcomes = await Promise.all([1, 2, 3, 4, 5, 6].map(() => fire(store, schedule)))
      const fired = outcomes.filter(({ kind }) => kind === 'fired')
      same([fired.length, (await store.list()).length], [1, 1], 'fired')
      // Whoever is later than its end does nothing either.
      await store.cancel(only(await store.list()).id)
      same((await fire(store, schedule)).kind, 'changed', 'too late')
      same((await store.list()).length, 1, 'tasks')
    },
  },
  {
    name: 'schedules: while the last task is unfinished, a time is passed over',
    async run(store) {
      const first = await fire(store, await store.setSchedule(overdue()), inHours(-1))
      if (first.kind !== 'fired') throw new Error(first.kind)
      const { taskId } = first
      const next = inHours(23)
      const second = await fire(store, await found(store), next)
      same(second, { kind: 'unfinished', taskId }, 'second')
      const passed = await found(store)
      same([passed.nextAt, passed.lastTaskId], [next, taskId], 'schedule')
      same(passed.lastSkippedAt instanceof Date, true, 'time')
      same((await store.dueSchedules()).due, [], 'not due any more')
      await store.cancel(taskId)
      same((await fire(store, passed)).kind, 'fired', 'third')
    },
  },
  {
    name: 'schedules: a single time waits for the end of the last task',
    async run(store) {
      const timing = { at: inHours(-2).toISOString() }
      await store.setSchedule(overdue({}, { timing }))
      const byHand = await store.fireSchedule({ name: 'nightly', taskId: store.newId() })
      if (byHand.kind !== 'fired') throw new Error(byHand.kind)
      const { taskId } = byHand
      same((await fire(store, await found(store), null)).kind, 'unfinished', 'held up')
      same((await store.dueSchedules()).due.length, 1, 'still due')
      await store.cancel(taskId)
      same((await fire(store, await found(store), null)).kind, 'fired', 'at last')
      same((await found(store)).nextAt, null, 'over')
      const { due, nextInMs } = await store.dueSchedules()
      same([due, nextInMs], [[], null], 'never again')
    },
  },
  {
    name: 'schedules: a paused one is not due, and fires by hand only',
    async run(store) {
      const { nextAt, revision } = await store.setSchedule(overdue())
      const plan = { name: 'nightly', revision, nextAt, paused: true }
      same(await store.planSchedule(plan), true, 'paused')
      same(await store.planSchedule(plan), false, 'not from what was before')
      const paused = await found(store)
      same(paused.pausedAt instanceof Date, true, 'time')
      const { due, nextInMs } = await store.dueSchedules()
      same([due, nextInMs], [[], null], 'not due')
      same((await fire(store, paused)).kind, 'changed', 'not fired')
      const taskId = store.newId()
      const byHand = await store.fireSchedule({ name: 'nightly', taskId })
      same(byHand, { kind: 'fired', taskId, blocked: false }, 'by hand')
      const after = await found(store)
      same([after.nextAt, after.lastTaskId], [nextAt, taskId], 'its times stay')
      const again = await store.fireSchedule({ name: 'nightly', taskId: store.newId() })
      same(again, { kind: 'unfinished', taskId }, 'not twice at once')
      const resumed = { ...plan, revision: after.revision, paused: false, nextAt: inHours(-1) }
      same(await store.planSchedule(resumed), true, 'resumed')
      same((await store.dueSchedules()).due.length, 1, 'due')
    },
  },
  {
    name: 'schedules: nothing comes of one that was changed or removed meanwhile',
    async run(store) {
      const seen = await store.setSchedule(overdue())
      await store.setSchedule(overdue({ exclusive: ['r'] }))
      same((await fire(store, seen)).kind, 'changed', 'changed')
      const changed = await found(store)
      same(await store.removeSchedule('nightly'), true, 'removed')
      same(await store.removeSchedule('nightly'), false, 'removed again')
      same((await fire(store, changed)).kind, 'changed', 'removed')
      const byHand = await store.fireSchedule({ name: 'nightly', taskId: store.newId() })
      same([byHand.kind, await store.list()], ['changed', []], 'by hand')
    },
  },
  {
    name: 'schedules: a task with a dedupe key stands for its twin',
    async run(store) {
      const twin = taskOf(store, {}, { dedupeKey: 'k' })
      await store.dispatch([twin])
      const { task } = overdue()
      const schedule = await store.setSchedule(overdue({}, { task: { ...task, dedupeKey: 'k' } }))
      const outcome = await fire(store, schedule)
      same(outcome, { kind: 'fired', taskId: twin.id, blocked: false }, 'outcome')
      same((await found(store)).lastTaskId, twin.id, 'last task')
    },
  },
]
