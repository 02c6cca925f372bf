import type { ClaimedTask } from '../task.ts'
import type { ConformanceCase } from './index.ts'
import { HandWorker, only, same, taskOf } from './stand.ts'

const letters = (tasks: readonly ClaimedTask[]) =>
  tasks
    .map(({ input }) => (typeof input === 'string' ? input : ''))
    .toSorted((a, b) => a.localeCompare(b))

export const exclusionCases: readonly ConformanceCase[] = [
  {
    name: 'exclusion: exclusive and shared resources, several per task',
    async run(store) {
      await store.dispatch([
        taskOf(store, { exclusive: ['AAAA'], shared: ['BBBB'] }, { input: 'a' }),
        taskOf(store, { shared: ['AAAA'] }, { input: 'b' }),
        taskOf(store, { shared: ['AAAA'] }, { input: 'c' }),
        taskOf(store, { exclusive: ['AAAA'] }, { input: 'd' }),
        taskOf(store, { exclusive: ['BBBB'] }, { input: 'e' }),
      ])
      const worker = await HandWorker.register(store)
      const first = await worker.claim(10)
      same(letters(first), ['a'], 'first')
      const second = (await worker.turn(10, first.map(done))).claimed
      same(letters(second), ['b', 'c', 'e'], 'after a')
      const [b, c] = second.filter(({ input }) => input !== 'e')
      if (b === undefined || c === undefined) throw new Error('b and c')
      same(letters((await worker.turn(10, [done(b)])).claimed), [], 'after b alone')
      same(letters((await worker.turn(10, [done(c)])).claimed), ['d'], 'after b and c')
    },
  },
  {
    name: 'exclusion: the head of a line does not hold up the others',
    async run(store) {
      const stuck = Array.from({ length: 200 }, () => taskOf(store, { exclusive: ['r'] }))
      await store.dispatch([...stuck, taskOf(store, {}, { input: 'free' })])
      const worker = await HandWorker.register(store)
      same(
        (await worker.claim(10)).map(({ input }) => input),
        [null, 'free'],
        'claimed',
      )
    },
  },
  {
    name: 'exclusion: a shared task does not overtake an exclusive one that waits',
    async run(store) {
      await store.dispatch([
        taskOf(store, { shared: ['r'] }, { input: 's1' }),
        taskOf(store, { exclusive: ['r'] }, { input: 'x' }),
        taskOf(store, { shared: ['r'] }, { input: 's2' }),
      ])
      const worker = await HandWorker.register(store)
      const first = await worker.claim(10)
      same(letters(first), ['s1'], 'first')
      const second = (await worker.turn(10, first.map(done))).claimed
      same(letters(second), ['x'], 'then the exclusive one')
      same(
        letters((await worker.turn(10, second.map(done))).claimed),
        ['s2'],
        'then the shared one',
      )
    },
  },
  {
    name: 'exclusion: whoever waits at several resources starts when the last is free',
    async run(store) {
      await store.dispatch([
        taskOf(store, { exclusive: ['p'] }, { input: 'p' }),
        taskOf(store, { exclusive: ['q'] }, { input: 'q' }),
        taskOf(store, { exclusive: ['p', 'q'] }, { input: 'both' }),
      ])
      const worker = await HandWorker.register(store)
      const [p, q] = await worker.claim(10)
      if (p === undefined || q === undefined) throw new Error('p and q')
      same((await worker.turn(10, [done(p)])).claimed, [], 'one of two')
      same(letters((await worker.turn(10, [done(q)])).claimed), ['both'], 'both')
    },
  },
  {
    name: 'exclusion: a cancel in the middle of a line lets those behind move up',
    async run(store) {
      const middle = taskOf(store, { exclusive: ['r'] })
      await store.dispatch([
        taskOf(store, { shared: ['r'] }),
        middle,
        taskOf(store, { shared: ['r'] }, { input: 'behind' }),
      ])
      const worker = await HandWorker.register(store)
      await worker.claim(10)
      await store.cancel(middle.id)
      same(only(await worker.claim(10)).input, 'behind', 'moved up')
    },
  },
]

function done({ id, fencingToken }: ClaimedTask) {
  return { id, fencingToken, state: 'completed', result: null } as const
}
