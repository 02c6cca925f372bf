import type { Store } from '../store.ts'
import type { ClaimedTask, NewTask } from '../task.ts'
import type { ConformanceCase } from './index.ts'
import {
  completed,
  HandWorker,
  keyed,
  leaveBehind,
  load,
  only,
  rejects,
  retried,
  same,
  taskOf,
} from './stand.ts'

interface Scene {
  readonly store: Store
  /** Another that is dispatched behind it, at the same resource. */
  readonly behind: NewTask
  /** As its lost worker had claimed it. */
  readonly lost: ClaimedTask
  readonly loser: HandWorker
  readonly cleaner: HandWorker
}

/** A task at `r` whose worker goes, with something incomplete, while another could clean up. */
async function orphan(store: Store, rest: Partial<NewTask> = {}, canceled = false): Promise<Scene> {
  const behind = taskOf(store, { exclusive: ['r'] })
  await store.dispatch([taskOf(store, { exclusive: ['r'] }, rest), behind])
  const loser = await HandWorker.register(store)
  const cleaner = await HandWorker.register(store, { cleansUp: ['task'] })
  const lost = only(await loser.claim(1))
  await leaveBehind(store, loser.id, lost)
  if (canceled) await store.cancel(lost.id, 'no need')
  await store.unregisterWorker(loser.id)
  return { store, behind, lost, loser, cleaner }
}

async function incomplete({ store, lost }: Scene): Promise<string[]> {
  const created = await store.created(lost.id)
  return created.filter(({ state }) => state === 'incomplete').map(({ resource }) => resource)
}

export const orphanCases: readonly ConformanceCase[] = [
  {
    name: 'orphans: what is incomplete is cleaned up by another worker before the line moves on',
    async run(store) {
      const scene = await orphan(store)
      const { lost, cleaner, behind, loser } = scene
      const waiting = await load(store, lost.id)
      same(
        [waiting.state, waiting.endsAs, waiting.error?.code, waiting.workerId, waiting.finishedAt],
        ['waiting', 'failed', 'worker_stopped', null, null],
        'while it waits',
      )
      const claim = only(await cleaner.claim(5))
      same([claim.id, claim.attempt], [lost.id, 1], 'claimed')
      same([claim.orphan?.endsAs, claim.orphan?.error?.code], ['failed', 'worker_stopped'], 'as')
      same(claim.fencingToken > lost.fencingToken, true, 'a new token')
      const { id, fencingToken } = claim
      const removal = { id, fencingToken, resources: ['half'], state: 'removed' as const }
      await rejects(store.recordCreation({ ...removal, workerId: loser.id }), 'task_lost')
      await store.recordCreation({ ...removal, workerId: cleaner.id })
      same(await incomplete(scene), [], 'removed')
      await cleaner.complete(claim)
      const ended = await load(store, lost.id)
      same(
        [ended.state, ended.error?.code, ended.result, ended.startedAt, ended.finishedAt !== null],
        ['failed', 'worker_stopped', null, waiting.startedAt, true],
        'ended',
      )
      same(only(await cleaner.claim(5)).id, behind.id, 'behind it')
    },
  },
  {
    name: 'orphans: one that was to be canceled is canceled',
    async run(store) {
      const { lost, cleaner, behind } = await orphan(store, {}, true)
      const waiting = await load(store, lost.id)
      same([waiting.state, waiting.endsAs], ['waiting', 'canceled'], 'while it waits')
      const turn = await cleaner.turn(5)
      const claim = only(turn.claimed)
      same(claim.orphan?.endsAs, 'canceled', 'claimed')
      same(turn.canceling, [{ id: lost.id, reason: 'no need' }], 'asked to stop')
      same((await load(store, lost.id)).state, 'canceling', 'while it is cleaned up after')
      await cleaner.complete(claim)
      const ended = await load(store, lost.id)
      same([ended.state, ended.cancelReason], ['canceled', 'no need'], 'ended')
      same(only(await cleaner.claim(5)).id, behind.id, 'behind it')
    },
  },
  {
    name: 'orphans: are not tried again',
    async run(store) {
      const { lost, cleaner } = await orphan(store)
      const claim = only(await cleaner.claim(1))
      await cleaner.turn(0, [retried(claim)])
      const ended = await load(store, lost.id)
      same(
        [ended.state, ended.attempt, ended.error?.code],
        ['failed', 1, 'worker_stopped'],
        'ended',
      )
      same((await cleaner.turn(0, [completed(claim)])).refused, [lost.id], 'a second end')
    },
  },
  {
    name: 'orphans: a clean-up that is lost with its worker is not tried again',
    async run(store) {
      const scene = await orphan(store)
      const { cleaner, behind, lost } = scene
      const other = await HandWorker.register(store, { cleansUp: ['task'] })
      only(await cleaner.claim(1))
      await store.unregisterWorker(cleaner.id)
      const ended = await load(store, lost.id)
      same([ended.state, ended.error?.code], ['failed', 'worker_stopped'], 'ended')
      same(await incomplete(scene), ['half'], 'on record')
      same(only(await other.claim(5)).id, behind.id, 'behind it')
    },
  },
  {
    name: 'orphans: there are none where no living worker could clean up',
    async run(store) {
      for (const other of [
        {},
        { cleansUp: ['task'], queues: ['other'] },
        { cleansUp: ['other'] },
      ]) {
        const task = taskOf(store)
        await store.dispatch([task])
        const loser = await HandWorker.register(store, { cleansUp: ['task'] })
        const bystander = await HandWorker.register(store, other)
        await leaveBehind(store, loser.id, only(await loser.claim(1)))
        await store.unregisterWorker(loser.id)
        same((await load(store, task.id)).state, 'failed', JSON.stringify(other))
        await store.unregisterWorker(bystander.id)
      }
    },
  },
  {
    name: 'orphans: there are none where nothing is incomplete, or the task is tried again',
    async run(store) {
      const recovery = { limit: 1, delaysMs: [60_000], keepPlace: false }
      const [whole, again] = [taskOf(store), taskOf(store, {}, { options: { recovery } })]
      await store.dispatch([whole, again])
      const loser = await HandWorker.register(store)
      await HandWorker.register(store, { cleansUp: ['task'] })
      for (const claim of await loser.claim(2)) {
        await leaveBehind(store, loser.id, claim)
        const { id, fencingToken } = claim
        const record = { id, fencingToken, workerId: loser.id, resources: ['half'] }
        if (id === whole.id) await store.recordCreation({ ...record, state: 'complete' })
      }
      await store.unregisterWorker(loser.id)
      same((await load(store, whole.id)).state, 'failed', 'with all complete')
      same((await load(store, again.id)).state, 'scheduled', 'to be tried again')
    },
  },
  {
    name: 'orphans: end when nobody is left who would clean up, and the line moves on',
    async run(store) {
      for (const canceled of [false, true]) {
        const scene = await orphan(store, {}, canceled)
        const { cleaner, lost, behind } = scene
        await store.housekeep()
        same((await load(store, lost.id)).state, 'waiting', 'while there is somebody')
        await store.unregisterWorker(cleaner.id)
        await store.housekeep()
        const ended = await load(store, lost.id)
        same(
          [ended.state, ended.error?.code],
          [canceled ? 'canceled' : 'failed', 'worker_stopped'],
          'end',
        )
        same(await incomplete(scene), ['half'], 'on record')
        const heir = await HandWorker.register(store)
        const next = only(await heir.claim(5))
        same(next.id, behind.id, 'behind it')
        await heir.complete(next)
        await store.unregisterWorker(heir.id)
      }
    },
  },
  {
    name: 'orphans: those that are canceled while they wait are cleaned up after all the same',
    async run(store) {
      for (const together of [false, true]) {
        const groupId = store.newId()
        await store.createGroup({ id: groupId })
        const { lost, cleaner, behind } = await orphan(store, { groupId })
        const cancel = async (reason: string) =>
          together ? store.cancelGroup(groupId, reason) : store.cancel(lost.id, reason)
        const answer = await cancel('enough')
        if (together) same(answer, { canceled: 0, canceling: 1 }, 'of the group')
        await cancel('again')
        const waiting = await load(store, lost.id)
        same(
          [waiting.state, waiting.endsAs, waiting.cancelReason, waiting.finishedAt],
          ['waiting', 'canceled', 'enough', null],
          'while it waits',
        )
        const claim = only(await cleaner.claim(5))
        same([claim.id, claim.orphan?.endsAs], [lost.id, 'canceled'], 'claimed')
        await cleaner.complete(claim)
        const ended = await load(store, lost.id)
        same(
          [ended.state, ended.cancelReason, ended.error?.code],
          ['canceled', 'enough', 'worker_stopped'],
          'ended',
        )
        const next = only(await cleaner.claim(5))
        same(next.id, behind.id, 'behind it')
        await cleaner.complete(next)
        await store.unregisterWorker(cleaner.id)
      }
    },
  },
  {
    name: 'orphans: a cancel ends them at once where nobody is left who would clean up',
    async run(store) {
      for (const together of [false, true]) {
        const groupId = store.newId()
        await store.createGroup({ id: groupId })
        const { lost, cleaner, behind } = await orphan(store, { groupId })
        await store.unregisterWorker(cleaner.id)
        if (together) {
          const answer = await store.cancelGroup(groupId, 'enough')
          same(answer, { canceled: 1, canceling: 0 }, 'of the group')
        } else await store.cancel(lost.id, 'enough')
        const ended = await load(store, lost.id)
        same([ended.state, ended.cancelReason], ['canceled', 'enough'], 'at once')
        const heir = await HandWorker.register(store)
        const next = only(await heir.claim(5))
        same(next.id, behind.id, 'behind it')
        await heir.complete(next)
        await store.unregisterWorker(heir.id)
      }
    },
  },
  {
    name: 'orphans: are not replaced by a twin, which comes after their clean-up',
    async run(store) {
      const { lost, cleaner, behind } = await orphan(store, { dedupeKey: 'k' })
      const twin = keyed(store, 'replace')
      await store.dispatch([twin])
      same((await load(store, lost.id)).state, 'waiting', 'not canceled')
      const claim = only(await cleaner.claim(5))
      same([claim.id, claim.orphan !== undefined], [lost.id, true], 'claimed')
      await cleaner.complete(claim)
      same(only(await cleaner.claim(5)).id, behind.id, 'behind it')
    },
  },
  {
    name: 'orphans: what a dead thread or process left is cleaned up by its own worker, in the same turn',
    async run(store) {
      for (const canceled of [false, true]) {
        const [task, behind] = [0, 1].map(() => taskOf(store, { exclusive: ['r'] }))
        if (task === undefined || behind === undefined) return
        await store.dispatch([task, behind])
        const worker = await HandWorker.register(store, { cleansUp: ['task'] })
        const claim = only(await worker.claim(5))
        await leaveBehind(store, worker.id, claim)
        if (canceled) await store.cancel(task.id)
        const { id, fencingToken } = claim
        const error = canceled ? null : { name: 'Error', message: 'it died' }
        const turn = await worker.turn(5, [{ id, fencingToken, state: 'orphan', error }])
        const again = only(turn.claimed)
        const endsAs = canceled ? 'canceled' : 'failed'
        same([again.id, again.orphan], [id, { endsAs, error }], 'claimed')
        same(turn.refused, [], 'refused')
        // Its clean-up dies, too.
        const end = { id, fencingToken: again.fencingToken, state: 'orphan' as const, error: null }
        const next = only((await worker.turn(5, [end])).claimed)
        same(next.id, behind.id, 'behind it')
        const ended = await load(store, id)
        same([ended.state, ended.error], [endsAs, error], 'ended')
        await worker.complete(next)
        await store.unregisterWorker(worker.id)
      }
    },
  },
  {
    name: 'orphans: a dead thread or process that left nothing ends its task',
    async run(store) {
      const task = taskOf(store)
      await store.dispatch([task])
      const worker = await HandWorker.register(store, { cleansUp: ['task'] })
      const { id, fencingToken } = only(await worker.claim(1))
      const error = { name: 'Error', message: 'it died' }
      const turn = await worker.turn(1, [{ id, fencingToken, state: 'orphan', error }])
      same(turn.claimed, [], 'claimed')
      const ended = await load(store, id)
      same([ended.state, ended.endsAs, ended.error], ['failed', null, error], 'ended')
    },
  },
  {
    name: 'orphans: are handed over again as such when the answer of a turn was lost',
    async run(store) {
      const { lost, cleaner } = await orphan(store)
      only(await cleaner.claim(1))
      const again = only((await cleaner.turn(1, [], [])).claimed)
      same([again.id, again.orphan?.endsAs], [lost.id, 'failed'], 'again')
    },
  },
]
