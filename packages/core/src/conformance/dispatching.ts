import type { Task } from '../task.ts'
import type { ConformanceCase } from './index.ts'
import { HandWorker, load, only, rejects, same, taskOf } from './stand.ts'

// Options are left out where the dispatch has said nothing.
const fields: Readonly<Record<Exclude<keyof Task, 'options'>, true>> = {
  ...{ id: true, name: true, state: true, queue: true, priority: true, input: true },
  ...{ resources: true, result: true, error: true, parentId: true, dedupeKey: true },
  ...{ groupId: true, correlationId: true, endsAs: true },
  ...{ workerId: true, fencingToken: true, cancelReason: true, dispatchedAt: true },
  ...{ unblockedAt: true, startedAt: true, finishedAt: true, runAt: true, attempt: true },
}

export const dispatchCases: readonly ConformanceCase[] = [
  {
    name: 'dispatch: a free task waits unblocked, with all that was given',
    async run(store) {
      const input = { text: 'ä\u2028"\\', number: 1.5, list: [null, true, '5'], empty: {} }
      const parentId = store.newId()
      const task = taskOf(
        store,
        { exclusive: ['b', 'a'], shared: ['c\'d"{},', 'C:\\d\\e'] },
        { input, parentId, priority: -3, queue: 'other' },
      )
      same(
        await store.dispatch([task]),
        [{ id: task.id, state: 'waiting', blocked: false }],
        'answer',
      )
      const found = await load(store, task.id)
      same(
        [found.name, found.input, found.resources, found.queue, found.priority, found.parentId],
        [task.name, input, task.resources, 'other', -3, parentId],
        'record',
      )
      same(found.unblockedAt instanceof Date, true, 'unblocked')
      same([found.startedAt, found.finishedAt, found.workerId], [null, null, null], 'not begun')
    },
  },
  {
    name: 'dispatch: a record has what belongs to a task, and nothing of the store',
    async run(store) {
      const task = taskOf(store, { exclusive: ['r'] })
      const { id } = task
      await store.dispatch([task])
      const records = {
        found: await load(store, id),
        listed: only(await store.list()),
        explained: (await store.explain(id)).task,
        canceled: await store.cancel(id),
      }
      for (const [how, record] of Object.entries(records)) {
        same(Object.keys(record).toSorted(), Object.keys(fields).toSorted(), how)
      }
    },
  },
  {
    name: 'dispatch: a JSON string stays a string',
    async run(store) {
      const task = taskOf(store, {}, { input: '{"a":1}' })
      await store.dispatch([task])
      same((await load(store, task.id)).input, '{"a":1}', 'input of the record')
      const worker = await HandWorker.register(store)
      same(only(await worker.claim(1)).input, '{"a":1}', 'input for the handler')
    },
  },
  {
    name: 'dispatch: a batch is in line in the order given, and blocks itself',
    async run(store) {
      const batch = [
        taskOf(store, { shared: ['r'] }),
        taskOf(store, { shared: ['r'] }),
        taskOf(store, { exclusive: ['r'] }),
        taskOf(store, { shared: ['r'] }),
        taskOf(store, { exclusive: ['s'] }),
      ]
      const blocked = (await store.dispatch(batch)).map((task) => task.blocked)
      same(blocked, [false, false, true, true, false], 'blocked')
    },
  },
  {
    name: 'dispatch: repeating it changes nothing',
    async run(store) {
      const batch = [taskOf(store, { exclusive: ['r'] }), taskOf(store, { exclusive: ['r'] })]
      const first = await store.dispatch(batch)
      same(await store.dispatch(batch), first, 'second answer')
      same((await store.list()).length, 2, 'tasks')
      const worker = await HandWorker.register(store)
      await worker.complete(only(await worker.claim(10)))
      await worker.complete(only(await worker.claim(10)))
      const behind = taskOf(store, { exclusive: ['r'] })
      same(
        (await store.dispatch([behind])).map((t) => t.blocked),
        [false],
        'nothing left in line',
      )
    },
  },
  {
    name: 'dispatch: a thousand tasks with several resources each',
    async run(store) {
      const batch = Array.from({ length: 1_000 }, (_, n) =>
        taskOf(store, { exclusive: [`a${n % 100}`, `b${n}`], shared: ['all'] }),
      )
      const answer = await store.dispatch(batch)
      same(
        answer.map(({ id }) => id),
        batch.map(({ id }) => id),
        'order of the answer',
      )
      same(answer.filter(({ blocked }) => !blocked).length, 100, 'unblocked')
    },
  },
  {
    name: 'list: newest first, filtered, page by page',
    async run(store) {
      const a = taskOf(store, { exclusive: ['x'] })
      const b = taskOf(store, { shared: ['x'] }, { name: 'other', queue: 'q' })
      const c = taskOf(store, {}, { parentId: a.id })
      for (const task of [a, b, c]) await store.dispatch([task])
      const ids = async (filter: Parameters<typeof store.list>[0]) =>
        (await store.list(filter)).map(({ id }) => id)
      same(await ids({}), [c.id, b.id, a.id], 'all')
      same(await ids({ resource: 'x' }), [b.id, a.id], 'by resource')
      same(await ids({ name: 'other' }), [b.id], 'by name')
      same(await ids({ queue: 'q' }), [b.id], 'by queue')
      same(await ids({ parentId: a.id }), [c.id], 'by parent')
      same(await ids({ states: ['running', 'failed'] }), [], 'by state')
      same(await ids({ limit: 1, before: c.id }), [b.id], 'second page')
    },
  },
  {
    name: 'find: leaves out what is not there',
    async run(store) {
      const task = taskOf(store)
      await store.dispatch([task])
      const found = await store.find([store.newId(), task.id, 'no id at all'])
      same(
        found.map(({ id }) => id),
        [task.id],
        'found',
      )
      await rejects(store.cancel(store.newId()), 'task_not_found')
      await rejects(store.cancel('no id at all'), 'task_not_found')
    },
  },
]
