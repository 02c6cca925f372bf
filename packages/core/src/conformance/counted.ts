import type { CountedRequest } from '../resource.ts'
import type { Store } from '../store.ts'
import type { NewTask } from '../task.ts'
import type { ConformanceCase } from './index.ts'
import { completed, HandWorker, inputs, load, same, taskOf } from './stand.ts'

const gpus = (amount: number, capacity = 8): CountedRequest => ({
  resource: 'gpu',
  amount,
  capacity,
})

/** Tasks that count so many of eight GPUs, each with its amount for an input. */
function counting(store: Store, ...amounts: readonly number[]): NewTask[] {
  return amounts.map((amount) => taskOf(store, { counted: [gpus(amount)] }, { input: amount }))
}

const blockedOf = (answers: readonly { readonly blocked: boolean }[]) =>
  answers.map(({ blocked }) => blocked)

export const countedCases: readonly ConformanceCase[] = [
  {
    name: 'counted: what fits runs together, to the last unit',
    async run(store) {
      const answers = await store.dispatch(counting(store, 5, 3, 1))
      same(blockedOf(answers), [false, false, true], 'blocked')
      const worker = await HandWorker.register(store)
      same(inputs(await worker.claim(10)), [5, 3], 'claimed')
    },
  },
  {
    name: 'counted: the whole capacity is as good as exclusive among those who count',
    async run(store) {
      const answers = await store.dispatch(counting(store, 8, 1))
      same(blockedOf(answers), [false, true], 'blocked')
    },
  },
  {
    name: 'counted: what was asked for is kept, and the worker is told',
    async run(store) {
      const counted = [{ resource: 'licence', capacity: 3 }, gpus(2)]
      const task = taskOf(store, { counted, exclusive: ['a'], shared: ['b'] })
      await store.dispatch([task])
      const wanted = {
        ...{ exclusive: ['a'], shared: ['b'] },
        counted: [gpus(2), { resource: 'licence', amount: 1, capacity: 3 }],
      }
      same((await load(store, task.id)).resources, wanted, 'record')
      const worker = await HandWorker.register(store)
      same((await worker.claim(1))[0]?.resources, wanted, 'claim')
      const found = await store.list({ resource: 'licence' })
      same([found.length, found[0]?.id], [1, task.id], 'list by resource')
    },
  },
  {
    name: 'counted: first come first served, also where a small one would fit',
    async run(store) {
      const answers = await store.dispatch(counting(store, 6, 4, 1))
      same(blockedOf(answers), [false, true, true], 'blocked')
      const worker = await HandWorker.register(store)
      const first = await worker.claim(10)
      same(inputs(first), [6], 'the first alone')
      same(inputs((await worker.turn(10, first.map(completed))).claimed), [4, 1], 'then the others')
    },
  },
  {
    name: 'counted: one that ends lets go as many as fit, in their order',
    async run(store) {
      await store.dispatch(counting(store, 8, 3, 3, 2, 1))
      const worker = await HandWorker.register(store)
      const { claimed, unblocked } = await worker.turn(10, (await worker.claim(10)).map(completed))
      same([inputs(claimed), unblocked], [[3, 3, 2], 3], 'those that fit')
      const [three, , two] = claimed
      if (three === undefined || two === undefined) throw new Error('three tasks')
      same(inputs((await worker.turn(10, [completed(two)])).claimed), [1], 'the last')
    },
  },
  {
    name: 'counted: one that fits its capacity goes on behind one that does not fit a smaller one',
    async run(store) {
      const count = (input: string, amount: number, capacity: number) =>
        taskOf(store, { counted: [gpus(amount, capacity)] }, { input })
      await store.dispatch([count('a', 5, 8), count('b', 3, 8), count('c', 1, 4), count('d', 1, 8)])
      const worker = await HandWorker.register(store)
      const [, b] = await worker.claim(10)
      if (b === undefined) throw new Error('two tasks')
      same(inputs((await worker.turn(10, [completed(b)])).claimed), ['d'], 'five, six with "c"')
    },
  },
  {
    name: 'counted: two that end at once make room for one that needs both',
    async run(store) {
      await store.dispatch(counting(store, 4, 4, 7))
      const [one, other] = [await HandWorker.register(store), await HandWorker.register(store)]
      const [a, b] = [await one.claim(1), await other.claim(1)]
      same((await one.turn(10, a.map(completed))).claimed, [], 'too little')
      same(inputs((await other.turn(10, b.map(completed))).claimed), [7], 'enough')
    },
  },
  {
    name: 'counted: goes with shared, and neither goes with exclusive',
    async run(store) {
      const task = (mode: 'exclusive' | 'shared', input: string) =>
        taskOf(store, { [mode]: ['gpu'] }, { input })
      const answers = await store.dispatch([
        task('shared', 'shared 1'),
        ...counting(store, 8),
        task('shared', 'shared 2'),
        task('exclusive', 'exclusive'),
        ...counting(store, 1),
        task('shared', 'shared 3'),
      ])
      same(blockedOf(answers), [false, false, false, true, true, true], 'blocked')
      const worker = await HandWorker.register(store)
      const [first, ...others] = await worker.claim(10)
      if (first === undefined) throw new Error('nothing to claim')
      same(inputs([first, ...others]), ['shared 1', 8, 'shared 2'], 'together')
      same((await worker.turn(10, others.map(completed))).claimed, [], 'one still shares')
      const { claimed } = await worker.turn(10, [completed(first)])
      same(inputs(claimed), ['exclusive'], 'alone')
      const last = await worker.turn(10, claimed.map(completed))
      same(inputs(last.claimed), [1, 'shared 3'], 'those behind it')
    },
  },
  {
    name: 'counted: an exclusive one that waits holds back what would fit',
    async run(store) {
      const exclusive = taskOf(store, { exclusive: ['gpu'] })
      const batch = [...counting(store, 1), exclusive, ...counting(store, 2, 3)]
      same(blockedOf(await store.dispatch(batch)), [false, true, true, true], 'blocked')
      await store.cancel(exclusive.id)
      const worker = await HandWorker.register(store)
      same(inputs(await worker.claim(10)), [1, 2, 3], 'once it is gone')
    },
  },
  {
    name: 'counted: a cancel in the middle of a line lets those behind move up',
    async run(store) {
      const [six, four, two, one] = counting(store, 6, 4, 2, 1)
      if (!six || !four || !two || !one) throw new Error('four tasks')
      await store.dispatch([six, four, two, one])
      const worker = await HandWorker.register(store)
      same(inputs(await worker.claim(10)), [6], 'first')
      await store.cancel(four.id)
      same(inputs(await worker.claim(10)), [2], 'moved up')
      await store.cancel(two.id)
      same((await worker.claim(10)).length, 0, 'one that is to stop holds its units until it ends')
    },
  },
  {
    name: 'counted: units of a worker that leaves go to the next in line',
    async run(store) {
      await store.dispatch(counting(store, 7, 5, 3))
      const [leaving, staying] = [
        await HandWorker.register(store),
        await HandWorker.register(store),
      ]
      await leaving.claim(1)
      await store.unregisterWorker(leaving.id)
      same(inputs(await staying.claim(10)), [5, 3], 'claimed')
    },
  },
  {
    name: 'counted: whoever counts several resources starts when the last has room',
    async run(store) {
      const licence = { resource: 'licence', amount: 1, capacity: 1 }
      await store.dispatch([
        ...counting(store, 8),
        taskOf(store, { counted: [licence] }, { input: 'licence' }),
        taskOf(store, { counted: [gpus(1), licence] }, { input: 'both' }),
        ...counting(store, 7),
      ])
      const worker = await HandWorker.register(store)
      const [gpu, other] = await worker.claim(10)
      if (gpu === undefined || other === undefined) throw new Error('two tasks')
      const second = await worker.turn(10, [completed(gpu)])
      same(inputs(second.claimed), [7], 'beside the one in line that waits elsewhere')
      same(inputs((await worker.turn(10, [completed(other)])).claimed), ['both'], 'both')
    },
  },
  {
    name: 'counted: of two resources that two tasks count, only the full one stands between them',
    async run(store) {
      const both = { counted: [gpus(2), { resource: 'licence', capacity: 1 }] }
      const [first, second] = [taskOf(store, both), taskOf(store, both)]
      const answers = await store.dispatch([first, second, ...counting(store, 4, 1)])
      same(blockedOf(answers), [false, true, false, true], 'blocked')
      const { places, chain } = await store.explain(second.id)
      same(
        places.map(({ resource, blocked }) => [resource, blocked]),
        [
          ['gpu', false],
          ['licence', true],
        ],
        'where',
      )
      same(
        chain.map(({ resource, task }) => [resource, task.id]),
        [['licence', first.id]],
        'behind whom',
      )
      const worker = await HandWorker.register(store)
      const [holder] = await worker.claim(10)
      if (holder === undefined) throw new Error('nothing to claim')
      const { claimed } = await worker.turn(10, [completed(holder)])
      same(inputs(claimed), [null, 1], 'once it is free')
    },
  },
  {
    name: 'counted: each task goes by its own word for the capacity',
    async run(store) {
      const by = (amount: number, capacity: number) =>
        taskOf(store, { counted: [gpus(amount, capacity)] })
      const answers = await store.dispatch([by(2, 2), by(2, 4), by(1, 4), by(1, 9)])
      same(blockedOf(answers), [false, false, true, false], 'blocked')
    },
  },
  {
    name: 'counted: the largest capacity, to the last unit',
    async run(store) {
      const of = (amount: number) => taskOf(store, { counted: [gpus(amount, 10_000)] })
      const answers = await store.dispatch([of(9_998), of(1), of(1), of(1)])
      same(blockedOf(answers), [false, false, false, true], 'blocked')
    },
  },
  {
    name: 'counted: a long line goes on as many at a time as there are units',
    async run(store) {
      const length = 60
      await store.dispatch(
        Array.from({ length }, (_, n) =>
          taskOf(store, { counted: [{ resource: 'pool', capacity: 7 }] }, { input: n }),
        ),
      )
      const worker = await HandWorker.register(store)
      const order: unknown[] = []
      let running = await worker.claim(100)
      while (running.length > 0) {
        same(running.length, Math.min(7, length - order.length), 'at a time')
        order.push(...inputs(running))
        running = (await worker.turn(100, running.map(completed))).claimed
      }
      same(
        order,
        Array.from({ length }, (_, n) => n),
        'order',
      )
    },
  },
]
