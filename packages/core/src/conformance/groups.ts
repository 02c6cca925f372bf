import { groupResource } from '../group.ts'
import { normalizeResources } from '../resource.ts'
import type { ResourceRequest } from '../resource.ts'
import type { Store } from '../store.ts'
import type { NewTask, TaskGroupId } from '../task.ts'
import type { ConformanceCase } from './index.ts'
import { failed, HandWorker, idsOf, load, only, rejects, same, taskOf } from './stand.ts'

async function groupIn(store: Store): Promise<TaskGroupId> {
  const id = store.newId()
  await store.createGroup({ id })
  return id
}

/** A task of a group, as `dispatch` makes one. */
function memberOf(
  store: Store,
  groupId: TaskGroupId,
  request: ResourceRequest = {},
  rest: Partial<NewTask> = {},
): NewTask {
  const shared = [...(request.shared ?? []), groupResource(groupId)]
  return {
    ...taskOf(store, {}, rest),
    groupId,
    resources: normalizeResources({ ...request, shared }),
  }
}

function finalizerOf(store: Store, groupId: TaskGroupId): NewTask {
  return memberOf(store, groupId, { exclusive: [groupResource(groupId)] })
}

async function recordOf(store: Store, id: TaskGroupId) {
  return only(await store.groups({ ids: [id] }))
}

export const groupCases: readonly ConformanceCase[] = [
  {
    name: 'groups: are kept with what is said of them, the newest first, and counted',
    async run(store) {
      const [first, second] = [store.newId(), store.newId()]
      await store.createGroup({ id: first, description: 'nightly "ü"' })
      await store.createGroup({ id: second })
      await store.createGroup({ id: second })
      await store.dispatch([memberOf(store, first), memberOf(store, first)])
      const found = await store.groups()
      same(idsOf(found), [second, first], 'ids')
      same(found[1]?.description, 'nightly "ü"', 'description')
      same(
        [found[0]?.description, found[0]?.closedAt, found[0]?.finalizerId],
        [null, null, null],
        'new',
      )
      same([found[0]?.counts.waiting, found[1]?.counts.waiting], [0, 2], 'counts')
      same(idsOf(await store.groups({ limit: 1, before: second })), [first], 'next page')
      same(idsOf(await store.groups({ ids: [first, store.newId()] })), [first], 'by id')
    },
  },
  {
    name: 'groups: a finalizer starts when all others have ended, however they did',
    async run(store) {
      const groupId = await groupIn(store)
      const members = [memberOf(store, groupId), memberOf(store, groupId, { exclusive: ['r'] })]
      await store.dispatch(members)
      const waiting = memberOf(store, groupId, { exclusive: ['r'] })
      await store.dispatch([waiting])
      const finalizer = finalizerOf(store, groupId)
      same(only(await store.dispatch([finalizer])).blocked, true, 'blocked')
      const worker = await HandWorker.register(store)
      const [one, two] = await worker.claim(3)
      if (one === undefined || two === undefined) throw new Error('members run beside each other')
      await worker.complete(one)
      await store.cancel(waiting.id)
      same(await worker.claim(3), [], 'while one runs')
      await worker.turn(0, [failed(two)])
      same(only(await worker.claim(3)).id, finalizer.id, 'in the end')
    },
  },
  {
    name: 'groups: nothing gets in once there is a finalizer',
    async run(store) {
      const groupId = await groupIn(store)
      const finalizer = finalizerOf(store, groupId)
      await store.dispatch([memberOf(store, groupId), finalizer])
      const { closedAt, finalizerId } = await recordOf(store, groupId)
      same([closedAt instanceof Date, finalizerId], [true, finalizer.id], 'closed')
      for (const late of [
        [memberOf(store, groupId)],
        [taskOf(store), memberOf(store, groupId)],
        [memberOf(store, groupId, {}, { dedupeKey: 'k' })],
        [finalizerOf(store, groupId)],
        [taskOf(store), finalizerOf(store, groupId)],
      ]) {
        await rejects(store.dispatch(late), 'group_closed')
      }
      same((await store.list()).length, 2, 'tasks')
    },
  },
  {
    name: 'groups: one that is closed takes in its finalizer only',
    async run(store) {
      const groupId = await groupIn(store)
      await store.closeGroup(groupId)
      const { closedAt } = await recordOf(store, groupId)
      await store.closeGroup(groupId)
      same((await recordOf(store, groupId)).closedAt, closedAt, 'closed once')
      await rejects(store.dispatch([memberOf(store, groupId)]), 'group_closed')
      same(only(await store.dispatch([finalizerOf(store, groupId)])).blocked, false, 'finalizer')
    },
  },
  {
    name: 'groups: a finalizer that is not dispatched closes nothing',
    async run(store) {
      const groupId = await groupIn(store)
      await store.dispatch([taskOf(store, { exclusive: ['r'] })])
      const refused = taskOf(store, { exclusive: ['r'] }, { ifBlocked: 'fail' })
      await rejects(store.dispatch([finalizerOf(store, groupId), refused]), 'resources_busy')
      same((await recordOf(store, groupId)).closedAt, null, 'closed')
      await store.dispatch([memberOf(store, groupId)])
    },
  },
  {
    name: 'groups: a dispatch of one task may be repeated although its group was closed meanwhile',
    async run(store) {
      const groupId = await groupIn(store)
      const [member, finalizer] = [memberOf(store, groupId), finalizerOf(store, groupId)]
      await store.dispatch([member])
      await store.dispatch([finalizer])
      same(only(await store.dispatch([member])).id, member.id, 'member')
      same(only(await store.dispatch([finalizer])).id, finalizer.id, 'finalizer')
      same((await store.list()).length, 2, 'tasks')
    },
  },
  {
    name: 'groups: one that is not there has no members, and can not be closed or canceled',
    async run(store) {
      const groupId = store.newId()
      await rejects(store.dispatch([memberOf(store, groupId)]), 'group_not_found')
      await rejects(store.dispatch([taskOf(store), memberOf(store, groupId)]), 'group_not_found')
      await rejects(store.closeGroup(groupId), 'group_not_found')
      await rejects(store.cancelGroup(groupId), 'group_not_found')
      same(await store.groups({ ids: [groupId] }), [], 'groups')
    },
  },
  {
    name: 'groups: a cancel closes one, cancels what waits and asks what runs to stop',
    async run(store) {
      const groupId = await groupIn(store)
      const [running, blocked] = [
        memberOf(store, groupId, { exclusive: ['r'] }),
        memberOf(store, groupId, { exclusive: ['r'] }),
      ]
      const other = taskOf(store, { exclusive: ['r'] })
      await store.dispatch([running, blocked, other, finalizerOf(store, groupId)])
      const worker = await HandWorker.register(store)
      const claim = only(await worker.claim(1))
      same(await store.cancelGroup(groupId, 'enough'), { canceled: 2, canceling: 1 }, 'answer')
      const { canceling } = await worker.turn(0)
      same(canceling, [{ id: running.id, reason: 'enough' }], 'asked to stop')
      same((await load(store, blocked.id)).cancelReason, 'enough', 'reason')
      await rejects(store.dispatch([memberOf(store, groupId)]), 'group_closed')
      await worker.complete(claim)
      same(only(await worker.claim(5)).id, other.id, 'who goes on')
      const { counts } = await recordOf(store, groupId)
      same([counts.canceled, counts.waiting], [3, 0], 'counts')
      same(await store.cancelGroup(groupId), { canceled: 0, canceling: 0 }, 'again')
    },
  },
]
