import { groupResource } from '../group.ts'
import type { NewTask } from '../task.ts'
import type { ConformanceCase } from './index.ts'
import {
  completed,
  failed,
  HandWorker,
  load,
  only,
  rejects,
  retried,
  same,
  taskOf,
} from './stand.ts'

const exclusive = { exclusive: ['r'] }

/** What the handler's process knows of a task that it runs at once. */
function claimed(task: NewTask, fencingToken: bigint | undefined) {
  if (fencingToken === undefined) throw new Error('no fencing token')
  const none = { parentId: null, groupId: null, correlationId: null }
  return { ...task, ...none, attempt: 1, fencingToken }
}

/** A worker that claims nothing: it runs what it dispatches. */
const dispatcher = (store: Parameters<typeof HandWorker.register>[0]) =>
  HandWorker.register(store, { concurrency: 0, queues: [], taskNames: [] })

export const immediateCases: readonly ConformanceCase[] = [
  {
    name: "immediate: what is free runs as its dispatcher's own, and holds its places",
    async run(store) {
      const { id: owner } = await dispatcher(store)
      const task = taskOf(store, exclusive, { owner })
      const { fencingToken, ...answer } = only(await store.dispatch([task]))
      same(answer, { id: task.id, state: 'running', blocked: false }, 'answer')
      const record = await load(store, task.id)
      same([record.workerId, record.fencingToken], [owner, fencingToken], 'owner')
      same(record.startedAt !== null && record.unblockedAt !== null, true, 'times')
      same((await store.beat(owner)).owned, 1, 'owned')
      const next = taskOf(store, exclusive)
      same(only(await store.dispatch([next])).blocked, true, 'the next one is blocked')
      const worker = await HandWorker.register(store)
      same(await worker.claim(10), [], 'nobody claims it')
    },
  },
  {
    name: 'immediate: its end is told by a turn, and frees its places',
    async run(store) {
      const own = await dispatcher(store)
      const tasks = [1, 2].map(() => taskOf(store, exclusive, { owner: own.id }))
      const [first, second] = await store.dispatch(tasks)
      const [task, waiting] = tasks
      if (task === undefined || waiting === undefined) throw new Error('two tasks')
      same([second?.state, second?.blocked, second?.fencingToken], ['waiting', true, undefined], '')
      const running = claimed(task, first?.fencingToken)
      same(
        (await own.complete({ ...running, fencingToken: 0n })).refused,
        [task.id],
        'a wrong token',
      )
      same((await own.complete(running)).refused, [], 'refused')
      same((await load(store, task.id)).state, 'completed', 'state')
      // A turn more, in case that the first has left something to look at.
      await own.turn(0)
      const worker = await HandWorker.register(store)
      same(only(await worker.claim(2)).id, waiting.id, 'the next one goes on with a worker')
    },
  },
  {
    name: 'immediate: tokens grow from one dispatch to the next, as with claims',
    async run(store) {
      const { id: owner } = await dispatcher(store)
      const worker = await HandWorker.register(store)
      const dispatch = async () =>
        only(await store.dispatch([taskOf(store, {}, { owner })])).fencingToken ?? 0n
      const before = await dispatch()
      await store.dispatch([taskOf(store)])
      const between = only(await worker.claim(1)).fencingToken
      const after = await dispatch()
      same([before < between, between < after], [true, true], 'in order')
    },
  },
  {
    name: 'immediate: one that is not to wait is canceled when something stands before it',
    async run(store) {
      const { id: owner } = await dispatcher(store)
      await store.dispatch([taskOf(store, exclusive)])
      const rest = { owner, ifBlocked: 'cancel' } as const
      const [task, free] = [taskOf(store, exclusive, rest), taskOf(store, {}, rest)]
      const answer = [{ id: task.id, state: 'canceled', blocked: true }]
      same(await store.dispatch([task]), answer, 'answer')
      const { state, error, cancelReason, finishedAt, startedAt } = await load(store, task.id)
      const message = 'Resources temporarily unavailable.'
      const why = { name: 'ResourcesUnavailableError', code: 'resources_unavailable', message }
      same([state, error, cancelReason, startedAt], ['canceled', why, message, null], 'record')
      same(finishedAt instanceof Date, true, 'finished')
      same((await store.line('r')).tasks.length, 1, 'it holds no place')
      await rejects(store.cancel(task.id), 'task_state_conflict')
      same(only(await store.dispatch([free])).state, 'running', 'a free one runs')
    },
  },
  {
    name: 'immediate: other conditions hold as ever',
    async run(store) {
      const { id: owner } = await dispatcher(store)
      await store.dispatch([taskOf(store, exclusive, { dedupeKey: 'k' })])
      const of = (rest: Partial<NewTask>) =>
        store.dispatch([taskOf(store, exclusive, { owner, ...rest })])
      same(only(await of({ dedupeKey: 'k' })).state, 'waiting', 'a twin')
      same(
        only(await of({ dedupeKey: 'k', ifTwin: 'skip' })).state,
        'skipped',
        'skipped for its twin',
      )
      same(only(await of({ ifBlocked: 'skip' })).state, 'skipped', 'skipped')
      await rejects(of({ ifBlocked: 'fail' }), 'resources_busy')
      same(only(await of({ dedupeKey: 'k', ifTwin: 'replace' })).state, 'running', 'in its place')
    },
  },
  {
    name: 'immediate: for an owner that is not registered, it is as if it were blocked',
    async run(store) {
      const owner = store.newId()
      const [task, impatient] = [
        taskOf(store, {}, { owner }),
        taskOf(store, {}, { owner, ifBlocked: 'cancel' }),
      ]
      const states = (await store.dispatch([task, impatient])).map(({ state, blocked }) => [
        state,
        blocked,
      ])
      same(
        states,
        [
          ['waiting', false],
          ['canceled', true],
        ],
        'states',
      )
      const worker = await HandWorker.register(store)
      same(only(await worker.claim(2)).id, task.id, 'left to workers')
    },
  },
  {
    name: 'immediate: a dispatch that is repeated finds its task, with its token while it runs',
    async run(store) {
      const own = await dispatcher(store)
      const task = taskOf(store, exclusive, { owner: own.id })
      const first = await store.dispatch([task])
      same(await store.dispatch([task]), first, 'the same answer')
      await store.cancel(task.id)
      const { fencingToken } = only(first)
      const canceling = { id: task.id, state: 'canceling', blocked: false, fencingToken }
      same(await store.dispatch([task]), [canceling], 'asked to stop')
      await own.complete(claimed(task, fencingToken))
      const over = { id: task.id, state: 'canceled', blocked: false }
      same(await store.dispatch([task]), [over], 'over')
    },
  },
  {
    name: 'immediate: what its dispatcher does not know of is handed over',
    async run(store) {
      const own = await dispatcher(store)
      const task = taskOf(store, {}, { owner: own.id, options: { timeoutMs: 1_500 } })
      const { fencingToken = 0n } = only(await store.dispatch([task]))
      const again = only((await own.turn(0, [], [])).claimed)
      same([again.id, again.options], [task.id, { timeoutMs: 1_500 }], 'the task')
      same(again.fencingToken > fencingToken, true, 'a new token')
    },
  },
  {
    name: 'immediate: a cancel reaches its dispatcher, and what that leaves behind is ended',
    async run(store) {
      const own = await dispatcher(store)
      const tasks = [1, 2].map(() => taskOf(store, {}, { owner: own.id }))
      const [first, second] = await store.dispatch(tasks)
      if (first === undefined || second === undefined) throw new Error('two tasks')
      await store.cancel(first.id, 'superseded')
      const { canceling } = await own.turn(0)
      same(canceling, [{ id: first.id, reason: 'superseded' }], 'asked to stop')
      await store.unregisterWorker(own.id)
      const ends = await Promise.all([load(store, first.id), load(store, second.id)])
      same(
        ends.map(({ state }) => state),
        ['canceled', 'failed'],
        'states',
      )
    },
  },
  {
    name: 'immediate: one that failed and is tried again goes to a worker',
    async run(store) {
      const own = await dispatcher(store)
      const [task, hopeless] = [1, 2].map(() => taskOf(store, exclusive, { owner: own.id }))
      if (task === undefined || hopeless === undefined) throw new Error('two tasks')
      const running = claimed(task, only(await store.dispatch([task])).fencingToken)
      await own.turn(0, [retried(running)])
      await own.turn(0)
      const other = claimed(hopeless, only(await store.dispatch([hopeless])).fencingToken)
      await own.turn(0, [failed(other)])
      await own.turn(0)
      same((await load(store, hopeless.id)).state, 'failed', 'failed for good')
      await store.promote()
      const worker = await HandWorker.register(store)
      const second = only(await worker.claim(1))
      same([second.id, second.attempt], [task.id, 2], 'second attempt')
      await worker.turn(0, [completed(second)])
    },
  },
  {
    name: 'immediate: enters its group',
    async run(store) {
      const { id: owner } = await dispatcher(store)
      const group = store.newId()
      await store.createGroup({ id: group })
      const rest = { owner, groupId: group }
      const shared = { shared: [groupResource(group)] }
      same(only(await store.dispatch([taskOf(store, shared, rest)])).state, 'running', 'member')
      await store.closeGroup(group)
      await rejects(store.dispatch([taskOf(store, shared, rest)]), 'group_closed')
      same((await store.count({ groupId: group })).running, 1, 'counted')
    },
  },
  {
    name: 'immediate: a dispatcher is shown as one, and does not count as a worker',
    async run(store) {
      const own = await dispatcher(store)
      const worker = await HandWorker.register(store)
      const kinds = new Map((await store.workers()).map(({ id, kind }) => [id, kind]))
      same([kinds.get(own.id), kinds.get(worker.id)], ['dispatcher', 'worker'], 'kinds')
      same((await store.beat(own.id)).fleet, 1, 'fleet')
      const { workers, slots } = await store.metrics()
      same([workers, slots], [1, 10], 'metrics')
      await store.dispatch([taskOf(store)])
      same((await own.turn(0)).claimed, [], 'it claims nothing')
    },
  },
]
