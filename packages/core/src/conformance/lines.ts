import type { LineSummary } from '../explanation.ts'
import type { ResourceRequest } from '../resource.ts'
import type { Store } from '../store.ts'
import type { ConformanceCase } from './index.ts'
import { completed, HandWorker, idsOf, load, same, taskOf } from './stand.ts'

const named = (summaries: readonly LineSummary[]) => summaries.map(({ resource }) => resource)

async function dispatched(store: Store, ...requests: ResourceRequest[]): Promise<void> {
  await store.dispatch(requests.map((request) => taskOf(store, request)))
}

export const lineCases: readonly ConformanceCase[] = [
  {
    name: 'resources: the longest line first, then by name',
    async run(store) {
      same(await store.resources(), [], 'none')
      await dispatched(
        store,
        { exclusive: ['b', 'c'], shared: ['a'] },
        { exclusive: ['c'], counted: [{ resource: 'd', capacity: 1 }] },
      )
      const lines = await store.resources()
      same(
        lines.map(({ resource, length }) => [resource, length]),
        [
          ['c', 2],
          ['a', 1],
          ['b', 1],
          ['d', 1],
        ],
        'lines',
      )
      same(named(await store.resources({ limit: 2 })), ['c', 'a'], 'the first two')
    },
  },
  {
    name: 'resources: who runs, who waits, what is used, and since when',
    async run(store) {
      const gpus = (amount: number, capacity: number) => ({
        counted: [{ resource: 'gpu', amount, capacity }],
      })
      const tasks = [gpus(3, 8), { shared: ['gpu'] }, gpus(2, 9), gpus(6, 8)].map((request) =>
        taskOf(store, request),
      )
      await store.dispatch(tasks)
      const worker = await HandWorker.register(store)
      const [first] = await worker.claim(2)
      if (first === undefined) throw new Error('two tasks')
      await worker.claim(1)
      await store.cancel(first.id)
      const { dispatchedAt } = await load(store, first.id)
      same(
        await store.resources(),
        [
          {
            ...{ resource: 'gpu', length: 4, running: 3, waiting: 1 },
            ...{ used: 5, capacity: 9, oldest: dispatchedAt },
          },
        ],
        'line',
      )
      same((await store.resources())[0]?.oldest instanceof Date, true, 'a date')
    },
  },
  {
    name: 'resources: only those whose names begin so, letter by letter',
    async run(store) {
      const names = [
        'repo:1',
        'repo:10',
        'repo',
        'Repo:1',
        'repo%',
        'repo_1',
        'repo\\1',
        'réпо',
        '😀',
      ]
      await dispatched(store, { exclusive: names })
      const found = async (prefix: string) => named(await store.resources({ prefix })).toSorted()
      same(await found('repo:1'), ['repo:1', 'repo:10'], 'prefix')
      same(await found('repo%'), ['repo%'], 'no pattern')
      same(await found('repo_'), ['repo_1'], 'no wildcard')
      same(await found('repo\\'), ['repo\\1'], 'no escape')
      same(await found('ré'), ['réпо'], 'other letters')
      same(await found('😀'), ['😀'], 'beyond the basic plane')
      same((await found('')).length, names.length, 'all')
      same(await found('nobody'), [], 'none')
    },
  },
  {
    name: 'line: the first of it, in their order, and all of it in short',
    async run(store) {
      const line = [
        taskOf(store, { counted: [{ resource: 'r', amount: 2, capacity: 4 }] }, { name: 'a' }),
        taskOf(store, { exclusive: ['r'] }, { name: 'b' }),
        taskOf(store, { shared: ['r'] }, { name: 'c' }),
      ]
      await store.dispatch([...line, taskOf(store, { exclusive: ['r:other'] })])
      const worker = await HandWorker.register(store, { taskNames: ['a'], name: 'one' })
      const claimed = await worker.claim(1)
      const { tasks, ...summary } = await store.line('r', 2)
      same(
        summary,
        { resource: 'r', length: 3, running: 1, waiting: 2, used: 2, capacity: 4 },
        'summary',
      )
      const [first, second] = tasks
      const { startedAt } = await load(store, line[0]?.id ?? '')
      const { dispatchedAt } = await load(store, line[1]?.id ?? '')
      same(
        [first, second, tasks.length],
        [
          {
            ...{ id: line[0]?.id, name: 'a', state: 'running', mode: 'counted', amount: 2 },
            ...{ unblocked: true, workerId: worker.id, workerName: 'one', since: startedAt },
          },
          {
            ...{ id: line[1]?.id, name: 'b', state: 'waiting', mode: 'exclusive', amount: 0 },
            ...{ unblocked: false, workerId: null, workerName: null, since: dispatchedAt },
          },
          2,
        ],
        'tasks',
      )
      same(idsOf((await store.line('r')).tasks), idsOf(line), 'all of it')
      await worker.turn(0, claimed.map(completed))
      const after = await store.line('r')
      same([after.length, after.running, after.used, after.capacity], [2, 0, 0, null], 'later')
    },
  },
  {
    name: 'line: of a resource that nobody has reserved',
    async run(store) {
      await dispatched(store, { exclusive: ['repo:10'] })
      same(
        await store.line('repo:1'),
        {
          ...{ resource: 'repo:1', length: 0, running: 0, waiting: 0 },
          ...{ used: 0, capacity: null, tasks: [] },
        },
        'line',
      )
    },
  },
]
