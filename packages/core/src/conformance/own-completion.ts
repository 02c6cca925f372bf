import type { Completion, OwnCompletion } from '../completion.ts'
import type { Store } from '../store.ts'
import type { ClaimedTask } from '../task.ts'
import type { ConformanceCase } from './index.ts'
import {
  completed,
  errorOf,
  failed,
  HandWorker,
  idsOf,
  leaveBehind,
  load,
  only,
  rejects,
  same,
  taskOf,
} from './stand.ts'

/** Runs something within a transaction, which commits unless that rejects. */
export type InTransaction = (run: (tx: never) => Promise<void>) => Promise<void>

/** The end of a handler that has tried to complete its task itself. */
const afterwards = (completion: Completion): Completion => ({ ...completion, inTransaction: true })

/** Two tasks at one resource, of which a worker has claimed the first. */
async function setUp(store: Store) {
  await store.dispatch([taskOf(store, { exclusive: ['r'] }), taskOf(store, { exclusive: ['r'] })])
  const worker = await HandWorker.register(store)
  const claimed = only(await worker.claim(10))
  return { worker, claimed }
}

export function ownCompletionCases(inTransaction: InTransaction): readonly ConformanceCase[] {
  const complete = (
    store: Store,
    { id: workerId }: { readonly id: string },
    { id, fencingToken }: ClaimedTask,
    rest: Partial<OwnCompletion> = {},
  ) =>
    inTransaction((tx) =>
      store.complete({ id, workerId, fencingToken, result: null, ...rest }, { tx }),
    )

  return [
    {
      name: "own completion: an orphan's is refused",
      async run(store) {
        const { worker, claimed } = await setUp(store)
        await leaveBehind(store, worker.id, claimed)
        const cleaner = await HandWorker.register(store, { cleansUp: ['task'] })
        await store.unregisterWorker(worker.id)
        const orphan = only(await cleaner.claim(1))
        await rejects(complete(store, cleaner, orphan), 'task_lost')
        same((await load(store, orphan.id)).state, 'running', 'before it is cleaned up')
        await cleaner.turn(0, [completed(orphan)])
        same((await load(store, orphan.id)).state, 'failed', 'afterwards')
      },
    },
    {
      name: 'own completion: keeps the result, and the worker is not refused',
      async run(store) {
        const { worker, claimed } = await setUp(store)
        const result = { kept: ['ä"\\', 1.5, null] }
        await complete(store, worker, claimed, { result })
        const stored = await load(store, claimed.id)
        same([stored.state, stored.result, stored.error], ['completed', result, null], 'record')
        same(stored.finishedAt instanceof Date, true, 'finished')
        const { refused, unsettled } = await worker.turn(0, [afterwards(completed(claimed))])
        same([refused, unsettled], [[], []], 'turn')
        same(await load(store, claimed.id), stored, 'the record stays as it was')
      },
    },
    {
      name: 'own completion: the next in line goes on with the turn that tells of the end',
      async run(store) {
        const { worker, claimed } = await setUp(store)
        await complete(store, worker, claimed)
        const turn = await worker.turn(10, [afterwards(completed(claimed))])
        same([turn.claimed.length, turn.unblocked, turn.looks], [1, 1, []], 'turn')
      },
    },
    {
      name: 'own completion: counted and shared places are given on as well',
      async run(store) {
        const counted = [{ resource: 'gpu', amount: 2, capacity: 2 }]
        await store.dispatch([
          taskOf(store, { counted, shared: ['s'] }),
          taskOf(store, { counted }),
          taskOf(store, { exclusive: ['s'] }),
        ])
        const worker = await HandWorker.register(store)
        const claimed = only(await worker.claim(10))
        await complete(store, worker, claimed)
        const turn = await worker.turn(10, [afterwards(completed(claimed))])
        same(turn.claimed.length, 2, 'claimed')
        same(
          (await store.resources()).map(({ length }) => length),
          [1, 1],
          'lines',
        )
      },
    },
    {
      name: 'own completion: what the handler does afterwards does not count',
      async run(store) {
        const { worker, claimed } = await setUp(store)
        await complete(store, worker, claimed, { result: 'first' })
        const ends = [failed(claimed), { ...completed(claimed), result: 'second' } as const]
        for (const end of ends) {
          same((await worker.turn(0, [afterwards(end)])).refused, [], 'not refused')
          const { state, result, error } = await load(store, claimed.id)
          same([state, result, error], ['completed', 'first', null], 'record')
        }
      },
    },
    {
      name: 'own completion: one that came to nothing leaves the end to the handler',
      async run(store) {
        await store.dispatch([taskOf(store), taskOf(store)])
        const worker = await HandWorker.register(store)
        const [good, bad] = await worker.claim(2)
        if (good === undefined || bad === undefined) throw new Error('two tasks')
        const ends = [completed(good), failed(bad)].map(afterwards)
        const { refused, unsettled } = await worker.turn(0, ends)
        same([refused, unsettled], [[], []], 'turn')
        same((await load(store, good.id)).state, 'completed', 'one that returned')
        same((await load(store, bad.id)).state, 'failed', 'one that threw')
      },
    },
    {
      name: 'own completion: not of a task that is not its own any more, or has ended',
      async run(store) {
        const { worker, claimed } = await setUp(store)
        const other = await HandWorker.register(store)
        const [next] = await store.list({ states: ['waiting'] })
        const lost = (owner: HandWorker, rest: Partial<OwnCompletion>) =>
          rejects(complete(store, owner, claimed, rest), 'task_lost')
        await lost(worker, { fencingToken: claimed.fencingToken - 1n })
        await lost(worker, { fencingToken: claimed.fencingToken + 1n })
        await lost(other, {})
        await lost(worker, { id: store.newId() })
        await lost(worker, { id: next?.id ?? '' })
        same((await load(store, claimed.id)).state, 'running', 'nothing changed')
        await complete(store, worker, claimed)
        await lost(worker, { result: 'again' })
        same((await load(store, claimed.id)).result, null, 'the first stands')
        const { refused } = await other.turn(0, [afterwards(completed(claimed))])
        same(refused, [claimed.id], 'refused from another worker')
        same((await worker.turn(0, [completed(claimed)])).refused, [claimed.id], 'not its own')
      },
    },
    {
      name: 'own completion: not of a task that was given up with its worker',
      async run(store) {
        const { worker, claimed } = await setUp(store)
        const staying = await HandWorker.register(store)
        await store.unregisterWorker(worker.id)
        await rejects(complete(store, worker, claimed), 'task_lost')
        const { state, fencingToken } = await load(store, claimed.id)
        same(state, 'failed', 'record')
        same((fencingToken ?? 0n) > claimed.fencingToken, true, 'its old token is worth nothing')
        only(await staying.claim(10))
      },
    },
    {
      name: 'own completion: not with a token of before the task was handed over again',
      async run(store) {
        const { worker, claimed } = await setUp(store)
        const again = only((await worker.turn(10, [], [])).claimed)
        await rejects(complete(store, worker, claimed), 'task_lost')
        await complete(store, worker, again)
        same(idsOf([again]), [claimed.id], 'the same task')
        same((await load(store, claimed.id)).state, 'completed', 'record')
      },
    },
    {
      name: 'own completion: not of a task that was asked to stop',
      async run(store) {
        const { worker, claimed } = await setUp(store)
        await store.cancel(claimed.id, 'superseded')
        const { code, message } = await errorOf(complete(store, worker, claimed))
        same(
          [code, message],
          ['task_canceled', `Task ${claimed.id} was canceled: superseded`],
          'error',
        )
        const { claimed: next } = await worker.turn(10, [afterwards(failed(claimed))])
        const { state, result } = await load(store, claimed.id)
        same([state, result, next.length], ['canceled', null, 1], 'ends as canceled')
      },
    },
    {
      name: 'own completion: beside ordinary ones in one turn',
      async run(store) {
        await store.dispatch(Array.from({ length: 4 }, () => taskOf(store)))
        const worker = await HandWorker.register(store)
        const [own, plain, rolledBack, strange] = await worker.claim(4)
        if (!own || !plain || !rolledBack || !strange) throw new Error('four tasks')
        await complete(store, worker, own, { result: 'own' })
        const { refused, unsettled } = await worker.turn(0, [
          completed(plain),
          afterwards(failed(own)),
          { ...completed(strange), fencingToken: 0n },
          afterwards(failed(rolledBack)),
        ])
        same([refused, unsettled], [[strange.id], []], 'turn')
        const states = [own, plain, rolledBack, strange].map(
          async ({ id }) => (await load(store, id)).state,
        )
        same(await Promise.all(states), ['completed', 'completed', 'failed', 'running'], 'states')
      },
    },
  ]
}
