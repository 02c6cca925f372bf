import type { ProgressState } from '../progress.ts'
import type { Store } from '../store.ts'
import type { ConformanceCase } from './index.ts'
import { failed, HandWorker, only, same, taskOf } from './stand.ts'

function report(code: string, done: number, rest: Partial<ProgressState> = {}): ProgressState {
  return { code, message: `about ${code}`, done, total: null, suffix: null, ...rest }
}

async function running(store: Store) {
  const task = taskOf(store)
  await store.dispatch([task])
  const worker = await HandWorker.register(store)
  const claim = only(await worker.claim(1))
  const write = (...reports: ProgressState[]) =>
    store.reportProgress(worker.id, [{ id: claim.id, fencingToken: claim.fencingToken, reports }])
  const read = async () =>
    (await store.progress(claim.id)).map(
      ({ startedAt: _started, updatedAt: _updated, ...rest }) => rest,
    )
  return { worker, claim, write, read }
}

export const progressCases: readonly ConformanceCase[] = [
  {
    name: 'progress: has the last state of each report, in the order in which they were begun',
    async run(store) {
      const { claim, write, read } = await running(store)
      same(await write(report('b', 0.5, { total: 1, suffix: '"ü"' })), [], 'refused')
      await write(report('a', 1))
      await write(report('b', 1, { total: 2, message: 'more' }), report('a', 2))
      same(
        await read(),
        [
          { ...report('b', 1, { total: 2, message: 'more' }), state: 'running' },
          { ...report('a', 2), state: 'running' },
        ],
        'reports',
      )
      const [first] = await store.progress(claim.id)
      same(first !== undefined && first.updatedAt >= first.startedAt, true, 'times')
    },
  },
  {
    name: 'progress: ends as its task does',
    async run(store) {
      const { worker, claim, write, read } = await running(store)
      await write(report('a', 1))
      await worker.turn(0, [failed(claim)])
      same(await read(), [{ ...report('a', 1), state: 'failed' }], 'failed')
      same(await write(report('a', 2)), [], 'the last word of its owner')
      same(await read(), [{ ...report('a', 2), state: 'failed' }], 'the last word')
    },
  },
  {
    name: 'progress: of a lost worker is refused, and that of its other tasks is not',
    async run(store) {
      const lost = await running(store)
      await lost.write(report('a', 1))
      await store.unregisterWorker(lost.worker.id)
      same(await lost.write(report('a', 2), report('b', 2)), [lost.claim.id], 'refused')
      same(await lost.read(), [{ ...report('a', 1), state: 'failed' }], 'reports')
      const { worker, claim, read } = await running(store)
      const { id, fencingToken } = claim
      const reports = [report('a', 3)]
      const batch = [
        { id: lost.claim.id, fencingToken, reports },
        { id, fencingToken, reports },
        { id: store.newId(), fencingToken, reports: [] },
      ]
      same(await store.reportProgress(worker.id, batch.slice(0, 2)), [lost.claim.id], 'of two')
      same(await read(), [{ ...report('a', 3), state: 'running' }], 'its own')
      const stale = [{ id, fencingToken: fencingToken - 1n, reports: [report('a', 9)] }]
      same(await store.reportProgress(worker.id, stale), [id], 'with an old token')
      same(await read(), [{ ...report('a', 3), state: 'running' }], 'its own still')
    },
  },
  {
    name: 'progress: goes when its task is deleted, and there is none without a task',
    async run(store) {
      const { worker, claim, write } = await running(store)
      await write(report('a', 1))
      await worker.complete(claim)
      await store.delete(claim.id)
      same(await store.progress(claim.id), [], 'of the deleted task')
      same(await store.progress(store.newId()), [], 'of none')
    },
  },
]
