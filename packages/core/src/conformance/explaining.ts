import type { TaskInLine } from '../explanation.ts'
import type { Store } from '../store.ts'
import type { NewTask } from '../task.ts'
import type { ConformanceCase } from './index.ts'
import { completed, HandWorker, idsOf, load, only, rejects, same, taskOf } from './stand.ts'

/** What a case has to say of a task in line: its name, and the rest in short. */
const brief = ({ name, state, mode, amount, unblocked, workerName }: TaskInLine) => [
  ...[name, state, mode, amount, unblocked, workerName],
]

const exclusive = (store: Store, name: string, ...resources: string[]): NewTask =>
  taskOf(store, { exclusive: resources }, { name })

const anything = { taskNames: ['a', 'b', 'c', 'd', 'task'] }

export const explainingCases: readonly ConformanceCase[] = [
  {
    name: 'explain: a task with nothing before it',
    async run(store) {
      const counted = [{ resource: 'gpu', amount: 2, capacity: 3 }]
      const task = taskOf(store, { exclusive: ['x'], shared: ['s'], counted })
      await store.dispatch([task])
      const { task: record, places, chain } = await store.explain(task.id)
      same(record, await load(store, task.id), 'record')
      const free = { place: 1, blocked: false, holding: 0, holders: [], before: null }
      same(
        places,
        [
          { resource: 'x', mode: 'exclusive', amount: 0, capacity: null, ...free },
          { resource: 'gpu', mode: 'counted', amount: 2, capacity: 3, ...free },
          { resource: 's', mode: 'shared', amount: 0, capacity: null, ...free },
        ],
        'places',
      )
      same(chain, [], 'chain')
    },
  },
  {
    name: 'explain: a place in line, who holds the resource, and who is nearest',
    async run(store) {
      const line = ['a', 'b', 'c'].map((name) => exclusive(store, name, 'r'))
      const [first, , last] = line
      if (!first || !last) throw new Error('three tasks')
      await store.dispatch(line)
      const worker = await HandWorker.register(store, { ...anything, name: 'one' })
      await worker.claim(1)
      const { places, chain } = await store.explain(last.id)
      const [place] = places
      same([places.length, place?.place, place?.blocked, place?.holding], [1, 3, true, 1], 'place')
      same(
        place?.holders.map(brief),
        [['a', 'running', 'exclusive', 0, true, 'one']],
        'who holds it',
      )
      const holder = place?.holders[0]
      const { startedAt } = await load(store, first.id)
      same(
        [holder?.id, holder?.workerId, holder?.since],
        [first.id, worker.id, startedAt],
        'holder',
      )
      same(
        place?.before && brief(place.before),
        ['b', 'waiting', 'exclusive', 0, false, null],
        'who is nearest',
      )
      same(
        chain.map(({ resource, task }) => [resource, task.name]),
        [['r', 'a']],
        'chain',
      )
    },
  },
  {
    name: 'explain: the chain leads over several resources to the root cause',
    async run(store) {
      const [root, middle, asked] = [
        taskOf(store, { shared: ['z'] }, { name: 'a' }),
        exclusive(store, 'b', 'y', 'z'),
        exclusive(store, 'c', 'x', 'y'),
      ]
      await store.dispatch([root, middle, exclusive(store, 'd', 'x'), asked])
      const chain = async () =>
        (await store.explain(asked.id)).chain.map(({ resource, task }) => [
          ...[resource, ...brief(task)],
        ])
      const way = ['y', 'b', 'waiting', 'exclusive', 0, false, null]
      same(await chain(), [way, ['z', 'a', 'waiting', 'shared', 0, true, null]], 'it waits')
      const worker = await HandWorker.register(store, { taskNames: ['a'], name: 'w' })
      await worker.claim(1)
      same(await chain(), [way, ['z', 'a', 'running', 'shared', 0, true, 'w']], 'it runs')
      await store.cancel(root.id)
      same(await chain(), [way, ['z', 'a', 'canceling', 'shared', 0, true, 'w']], 'it is to stop')
    },
  },
  {
    name: 'explain: of several ways, the chain takes the one that leads furthest back',
    async run(store) {
      const asked = exclusive(store, 'd', 'p', 'q')
      await store.dispatch([
        exclusive(store, 'a', 'q'),
        exclusive(store, 'b', 'p'),
        exclusive(store, 'c', 'p'),
        asked,
      ])
      const { places, chain } = await store.explain(asked.id)
      same(
        places.map(({ resource, place, before }) => [resource, place, before?.name]),
        [
          ['p', 3, 'c'],
          ['q', 2, 'a'],
        ],
        'places',
      )
      same(
        chain.map(({ resource, task }) => [resource, task.name]),
        [['q', 'a']],
        'chain',
      )
    },
  },
  {
    name: 'explain: the chain of a long row of tasks ends after a hundred',
    async run(store) {
      const row = Array.from({ length: 110 }, (_, n) =>
        exclusive(store, 'task', `${n}`, `${n + 1}`),
      )
      await store.dispatch(row)
      const { chain } = await store.explain(row[109]?.id ?? '')
      same(
        chain.map(({ task }) => task.id),
        idsOf(row.slice(9, 109).toReversed()),
        'chain',
      )
    },
  },
  {
    name: 'explain: what keeps a counted task waiting, and what does not',
    async run(store) {
      const gpus = (amount: number) => [{ resource: 'gpu', amount, capacity: 4 }]
      const [small, beside, large] = [
        taskOf(store, { counted: gpus(1), shared: ['x'] }, { name: 'a' }),
        taskOf(store, { counted: gpus(1), exclusive: ['x'] }, { name: 'b' }),
        taskOf(store, { counted: gpus(3) }, { name: 'c' }),
      ]
      await store.dispatch([small, taskOf(store, { shared: ['gpu'] }), beside, large])
      const placesOf = async ({ id }: NewTask) =>
        (await store.explain(id)).places.map(({ resource, place, blocked, before }) => [
          ...[resource, place, blocked, before?.name ?? null],
        ])
      same(
        await placesOf(beside),
        [
          ['x', 2, true, 'a'],
          ['gpu', 3, false, null],
        ],
        'it fits, and waits elsewhere',
      )
      same(await placesOf(large), [['gpu', 4, true, 'b']], 'too little is left')
      const { chain } = await store.explain(large.id)
      same(
        chain.map(({ resource, task }) => [resource, ...brief(task)]),
        [['gpu', 'a', 'waiting', 'counted', 1, true, null]],
        'chain',
      )
    },
  },
  {
    name: 'explain: an exclusive task before a counted one counts as nearest only if it is',
    async run(store) {
      const gpus = (name: string, amount: number) =>
        taskOf(store, { counted: [{ resource: 'gpu', amount, capacity: 4 }] }, { name })
      const asked = gpus('c', 4)
      await store.dispatch([exclusive(store, 'a', 'gpu'), gpus('b', 1), asked])
      const { places, chain } = await store.explain(asked.id)
      same(places[0]?.before?.name, 'b', 'nearest')
      same(chain[0]?.task.name, 'a', 'first')
    },
  },
  {
    name: 'explain: of many holders the first ten are named, and all are counted',
    async run(store) {
      const holders = Array.from({ length: 12 }, () => taskOf(store, { shared: ['r'] }))
      const [waiting, asked] = [taskOf(store, { shared: ['r'] }), exclusive(store, 'b', 'r')]
      await store.dispatch(holders)
      await (await HandWorker.register(store)).claim(20)
      await store.dispatch([waiting, asked])
      const place = only((await store.explain(asked.id)).places)
      same([place.place, place.holding], [14, 12], 'place')
      same(idsOf(place.holders), idsOf(holders.slice(0, 10)), 'holders')
      same(place.before?.id, waiting.id, 'nearest')
    },
  },
  {
    name: 'explain: a running task holds its place; a finished or skipped one has none',
    async run(store) {
      const [task, skipped] = [
        taskOf(store, { exclusive: ['r'] }),
        taskOf(store, { exclusive: ['r'] }, { ifBlocked: 'skip' }),
      ]
      await store.dispatch([task, skipped])
      const worker = await HandWorker.register(store)
      const claimed = only(await worker.claim(1))
      const running = await store.explain(task.id)
      const place = only(running.places)
      same([place.place, place.blocked, idsOf(place.holders)], [1, false, [task.id]], 'running')
      await worker.complete(claimed)
      for (const id of [task.id, skipped.id]) {
        const { places, chain, task: record } = await store.explain(id)
        same([places, chain, record], [[], [], await load(store, id)], 'finished')
      }
      await rejects(store.explain(store.newId()), 'task_not_found')
      await rejects(store.explain('no id at all'), 'task_not_found')
    },
  },
  {
    name: 'explain: the workers that could run it, and their free slots',
    async run(store) {
      const [task, other] = [taskOf(store), taskOf(store, {}, { name: 'nobody runs this' })]
      await store.dispatch([task, other, taskOf(store), taskOf(store)])
      const worker = await HandWorker.register(store, { concurrency: 3, queues: ['x', 'default'] })
      await HandWorker.register(store, { concurrency: 5 })
      await HandWorker.register(store, { queues: ['x'] })
      await HandWorker.register(store, { taskNames: ['other'] })
      const overfull = await HandWorker.register(store, { concurrency: 1 })
      await overfull.claim(2)
      await worker.claim(1)
      same((await store.explain(task.id)).workers, { serving: 3, freeSlots: 7 }, 'workers')
      const none = { serving: 0, freeSlots: 0 }
      same((await store.explain(other.id)).workers, none, 'workers of the other')
    },
  },
  {
    name: 'explain: a task moves up as those before it leave',
    async run(store) {
      const line = Array.from({ length: 4 }, () => taskOf(store, { exclusive: ['r'] }))
      const asked = line[3]
      if (asked === undefined) throw new Error('four tasks')
      await store.dispatch(line)
      const worker = await HandWorker.register(store)
      const places: (number | undefined)[] = []
      for (let n = 0; n < 4; n += 1) {
        places.push((await store.explain(asked.id)).places[0]?.place)
        await worker.turn(0, (await worker.claim(1)).map(completed))
      }
      same(places, [4, 3, 2, 1], 'places')
    },
  },
]
