import type { ConformanceCase } from './index.ts'
import { completed, HandWorker, load, only, rejects, same, taskOf } from './stand.ts'

export const claimingCases: readonly ConformanceCase[] = [
  {
    name: 'claim: by priority, then in the order of dispatch, never more than asked for',
    async run(store) {
      const priorities = [0, 5, 0, -1, 5]
      await store.dispatch(
        priorities.map((priority, n) => taskOf(store, {}, { priority, input: n })),
      )
      const worker = await HandWorker.register(store)
      const inputs = async (slots: number) => (await worker.claim(slots)).map(({ input }) => input)
      same(await inputs(3), [1, 4, 0], 'first three')
      same(await inputs(0), [], 'none')
      same(await inputs(10), [2, 3], 'the rest')
    },
  },
  {
    name: 'claim: says who, when and with what token',
    async run(store) {
      const task = taskOf(store)
      await store.dispatch([task, taskOf(store)])
      const worker = await HandWorker.register(store)
      const claimed = only(await worker.claim(1))
      const { state, workerId, startedAt, fencingToken } = await load(store, task.id)
      same([state, workerId, fencingToken], ['running', worker.id, claimed.fencingToken], 'owner')
      same(startedAt instanceof Date, true, 'started')
      same(only(await worker.claim(1)).fencingToken > claimed.fencingToken, true, 'growing tokens')
    },
  },
  {
    name: 'claim: leaves alone what the worker does not know or serve',
    async run(store) {
      await store.dispatch([
        taskOf(store, {}, { name: 'unknown' }),
        taskOf(store, {}, { queue: 'other' }),
        taskOf(store, {}, { input: 'mine' }),
      ])
      const worker = await HandWorker.register(store)
      same(only(await worker.claim(10)).input, 'mine', 'claimed')
    },
  },
  {
    name: 'claim: the first of its queues first',
    async run(store) {
      await store.dispatch([
        taskOf(store, {}, { queue: 'low', priority: 9, input: 'low' }),
        taskOf(store, {}, { queue: 'high', input: 'high' }),
      ])
      const worker = await HandWorker.register(store, { queues: ['high', 'low'] })
      same(
        (await worker.claim(10)).map(({ input }) => input),
        ['high', 'low'],
        'order',
      )
    },
  },
  {
    name: 'claim: finish and claim in one turn',
    async run(store) {
      await store.dispatch([
        taskOf(store, { exclusive: ['r'] }),
        taskOf(store, { exclusive: ['r'] }),
      ])
      const worker = await HandWorker.register(store)
      const first = only(await worker.claim(1))
      const { claimed, refused, unblocked } = await worker.turn(1, [completed(first)])
      same([claimed.length, refused, unblocked], [1, [], 1], 'turn')
    },
  },
  {
    name: 'claim: what a lost answer had claimed is handed over again',
    async run(store) {
      await store.dispatch([taskOf(store), taskOf(store), taskOf(store)])
      const worker = await HandWorker.register(store)
      const [kept, lost] = await worker.claim(2)
      if (kept === undefined || lost === undefined) throw new Error('two tasks')
      const again = (await worker.turn(2, [], [kept.id])).claimed
      same(again.length, 2, 'claimed')
      same(again[0]?.id, lost.id, 'the lost one first')
      same((again[0]?.fencingToken ?? 0n) > lost.fencingToken, true, 'with a new token')
      same((await worker.turn(0, [completed(lost)])).refused, [lost.id], 'the old token is refused')
    },
  },
  {
    name: 'claim: not for a worker that is not registered',
    async run(store) {
      const turn = { slots: 1, completions: [], looks: [] }
      await rejects(store.turn({ ...turn, workerId: store.newId() }), 'worker_missing')
    },
  },
]
