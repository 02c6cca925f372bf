import type { NewTask } from '../task.ts'
import type { Store } from '../store.ts'
import type { ConformanceCase } from './index.ts'
import {
  completed,
  failed,
  HandWorker,
  idsOf,
  inputs,
  keyed,
  load,
  only,
  same,
  taskOf,
} from './stand.ts'

/** Dispatches a task that is to be alone with its key, and brings it into a state. */
const twinStates: Readonly<Record<string, (store: Store) => Promise<NewTask>>> = {
  async waiting(store) {
    const twin = keyed(store, 'return')
    await store.dispatch([twin])
    return twin
  },
  async blocked(store) {
    const twin = keyed(store, 'return')
    await store.dispatch([taskOf(store, { exclusive: ['r'] }, { queue: 'other' }), twin])
    return twin
  },
  async running(store) {
    const twin = keyed(store, 'return')
    await store.dispatch([twin])
    await (await HandWorker.register(store)).claim(1)
    return twin
  },
  async canceling(store) {
    const twin = keyed(store, 'return')
    await store.dispatch([twin])
    await (await HandWorker.register(store)).claim(1)
    await store.cancel(twin.id)
    return twin
  },
}

const waits = (state: string) => state === 'waiting' || state === 'blocked'

const byStateOfTwin = Object.entries(twinStates).flatMap(([state, reach]): ConformanceCase[] => [
  {
    name: `dedupe: a twin that is ${state} is returned`,
    async run(store) {
      const twin = await reach(store)
      const before = await load(store, twin.id)
      const count = (await store.list()).length
      same(
        await store.dispatch([keyed(store, 'return')]),
        [{ id: twin.id, state: before.state, blocked: state === 'blocked' }],
        'answer',
      )
      same(await load(store, twin.id), before, 'the twin is as it was')
      same((await store.list()).length, count, 'nothing was added')
    },
  },
  {
    name: `dedupe: with a twin that is ${state}, one is skipped`,
    async run(store) {
      const twin = await reach(store)
      const before = await load(store, twin.id)
      const task = keyed(store, 'skip')
      same(
        await store.dispatch([task]),
        [{ id: task.id, state: 'skipped', blocked: true }],
        'answer',
      )
      same(await load(store, twin.id), before, 'the twin is as it was')
      const skipped = await load(store, task.id)
      same(
        [skipped.state, skipped.dedupeKey, skipped.startedAt, skipped.error],
        [
          ...['skipped', 'k', null],
          {
            ...{ name: 'TaskSkippedError', code: 'twin_incomplete' },
            message: `Task ${twin.id} with the same dedupe key is incomplete.`,
          },
        ],
        'record',
      )
      same(skipped.finishedAt instanceof Date, true, 'finished')
    },
  },
  {
    name: `dedupe: a twin that is ${state} is replaced`,
    async run(store) {
      const twin = await reach(store)
      const before = await load(store, twin.id)
      const task = keyed(store, 'replace')
      same(
        await store.dispatch([task]),
        [{ id: task.id, state: 'waiting', blocked: state !== 'waiting' }],
        'answer',
      )
      const { finishedAt, ...after } = await load(store, twin.id)
      const { finishedAt: _never, ...was } = before
      same(
        after,
        waits(state)
          ? { ...was, state: 'canceled', cancelReason: `Replaced by task ${task.id}.` }
          : { ...was, dedupeKey: null },
        'the twin',
      )
      same(finishedAt instanceof Date, waits(state), 'whether the twin is finished')
      same(
        idsOf(await store.dispatch([keyed(store, 'return')])),
        [task.id],
        'the new one is the twin of the next',
      )
    },
  },
])

export const dedupeCases: readonly ConformanceCase[] = [
  ...byStateOfTwin,
  {
    name: 'dedupe: no twins are tasks of another name or key, without a key, or finished',
    async run(store) {
      const worker = await HandWorker.register(store)
      const [good, bad, gone] = [
        keyed(store, 'return', {}, { dedupeKey: 'good' }),
        keyed(store, 'return', {}, { dedupeKey: 'bad' }),
        keyed(store, 'return', {}, { dedupeKey: 'gone' }),
      ]
      await store.dispatch([good, bad, gone])
      await store.cancel(gone.id)
      const [first, second] = await worker.claim(2)
      if (first === undefined || second === undefined) throw new Error('two tasks')
      await worker.turn(0, [completed(first), failed(second)])
      const others = [
        keyed(store, 'return', {}, { name: 'other' }),
        keyed(store, 'return', {}, { dedupeKey: 'other' }),
        taskOf(store),
        ...['good', 'bad', 'gone'].map((dedupeKey) => keyed(store, 'skip', {}, { dedupeKey })),
        keyed(store, 'replace', {}),
      ]
      same(
        await store.dispatch(others),
        others.map(({ id }) => ({ id, state: 'waiting', blocked: false })),
        'answer',
      )
    },
  },
  {
    name: 'dedupe: one that was skipped is no twin',
    async run(store) {
      const [twin, skipped, next] = [
        keyed(store, 'return'),
        keyed(store, 'skip'),
        keyed(store, 'return'),
      ]
      for (const task of [twin, skipped]) await store.dispatch([task])
      await store.cancel(twin.id)
      same(idsOf(await store.dispatch([next])), [next.id], 'dispatched')
    },
  },
  {
    name: 'dedupe: twins in one batch',
    async run(store) {
      const [first, same1, skipped, other] = [
        keyed(store, 'return'),
        keyed(store, 'return'),
        keyed(store, 'skip'),
        keyed(store, 'return', {}, { dedupeKey: 'other' }),
      ]
      same(
        await store.dispatch([first, same1, skipped, other]),
        [
          { id: first.id, state: 'waiting', blocked: false },
          { id: first.id, state: 'waiting', blocked: false },
          { id: skipped.id, state: 'skipped', blocked: true },
          { id: other.id, state: 'waiting', blocked: false },
        ],
        'answer',
      )
      same((await store.list()).length, 3, 'tasks')
    },
  },
  {
    name: 'dedupe: the last of those that replace each other in one batch stands',
    async run(store) {
      const batch = [1, 2, 3].map((input) =>
        keyed(store, 'replace', { exclusive: ['r'] }, { input }),
      )
      const behind = taskOf(store, { exclusive: ['r'] }, { input: 'behind' })
      const [one, two, three] = batch
      if (!one || !two || !three) throw new Error('three tasks')
      const answer = await store.dispatch([one, two, behind, three])
      same(idsOf(answer), idsOf([one, two, behind, three]), 'answer')
      const records = [one, two, behind, three].map(({ id }) => load(store, id))
      same(
        (await Promise.all(records)).map(({ state, cancelReason, unblockedAt }) => [
          ...[state, cancelReason, unblockedAt === null],
        ]),
        [
          ['canceled', `Replaced by task ${two.id}.`, false],
          ['canceled', `Replaced by task ${three.id}.`, false],
          ['waiting', null, false],
          ['waiting', null, true],
        ],
        'records',
      )
      const worker = await HandWorker.register(store)
      const first = await worker.claim(10)
      same(inputs(first), ['behind'], 'whoever stood behind the replaced one moves up')
      same(inputs((await worker.turn(10, first.map(completed))).claimed), [3], 'then the last')
    },
  },
  {
    name: 'dedupe: a task that replaces one takes its place at the end of the line',
    async run(store) {
      const twin = keyed(store, 'return', { exclusive: ['r'] }, { input: 'twin' })
      const behind = taskOf(store, { exclusive: ['r'] }, { input: 'behind' })
      await store.dispatch([twin, behind])
      const task = keyed(store, 'replace', { exclusive: ['r'] }, { input: 'new' })
      same((await store.dispatch([task]))[0]?.blocked, true, 'blocked')
      const worker = await HandWorker.register(store)
      const first = await worker.claim(10)
      same(inputs(first), ['behind'], 'first')
      same(inputs((await worker.turn(10, first.map(completed))).claimed), ['new'], 'then')
    },
  },
  {
    name: 'dedupe: a running task that was replaced ends as ever, and the new one comes after it',
    async run(store) {
      const [twin, task] = [keyed(store, 'return'), keyed(store, 'replace')]
      await store.dispatch([twin])
      const worker = await HandWorker.register(store)
      const running = only(await worker.claim(10))
      await store.dispatch([task])
      same((await worker.claim(10)).length, 0, 'not beside it')
      const { claimed, refused } = await worker.turn(10, [completed(running)])
      same([idsOf(claimed), refused], [[task.id], []], 'after it')
      same((await load(store, twin.id)).state, 'completed', 'the twin')
    },
  },
  {
    name: 'dedupe: repeating a dispatch changes nothing',
    async run(store) {
      const worker = await HandWorker.register(store)
      const running = keyed(store, 'return', {}, { dedupeKey: 'running' })
      await store.dispatch([running, keyed(store, 'return')])
      await worker.claim(1)
      const batch = [
        keyed(store, 'replace', {}, { dedupeKey: 'running' }),
        keyed(store, 'return', {}, { dedupeKey: 'running' }),
        keyed(store, 'skip'),
        keyed(store, 'replace'),
        keyed(store, 'return', {}, { dedupeKey: 'new' }),
        taskOf(store, { exclusive: ['s'] }, { ifBlocked: 'fail' }),
        taskOf(store, { exclusive: ['s'] }, { ifBlocked: 'skip' }),
        taskOf(store, { exclusive: ['s'] }),
      ]
      const answer = await store.dispatch(batch)
      const tasks = await store.list()
      same(await store.dispatch(batch), answer, 'second answer')
      same(await store.list(), tasks, 'tasks')
      for (const task of batch) await store.dispatch([task])
      same(await store.list(), tasks, 'one by one')
    },
  },
]
