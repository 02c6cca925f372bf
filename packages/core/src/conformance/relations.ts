import { taskStates } from '../state-machine.ts'
import type { Store } from '../store.ts'
import type { NewTask, Task } from '../task.ts'
import type { ConformanceCase } from './index.ts'
import { HandWorker, idsOf, load, only, same, taskOf } from './stand.ts'

type Relations = Pick<NewTask, 'parentId' | 'groupId' | 'correlationId'>

async function related(store: Store): Promise<Required<Relations>> {
  const groupId = store.newId()
  await store.createGroup({ id: groupId })
  return { parentId: store.newId(), groupId, correlationId: 'request 1, "ü" {,}' }
}

const unrelated = { parentId: null, groupId: null, correlationId: null }

const pick = (task: Pick<Task, 'parentId' | 'groupId' | 'correlationId'> | undefined) => {
  const { parentId, groupId, correlationId } = task ?? {}
  return { parentId, groupId, correlationId }
}

const ways: readonly [name: string, tasks: (store: Store, relations: Relations) => NewTask[]][] = [
  ['alone', (store, relations) => [taskOf(store, {}, relations)]],
  ['with a resource', (store, relations) => [taskOf(store, { exclusive: ['r'] }, relations)]],
  ['in a batch', (store, relations) => [taskOf(store, {}, relations), taskOf(store)]],
  [
    'in a batch with resources',
    (store, relations) => [
      taskOf(store, { shared: ['r'] }, relations),
      taskOf(store, { counted: [{ resource: 'c', capacity: 2 }] }),
    ],
  ],
  [
    'on a condition',
    (store, relations) => [
      taskOf(store, {}, { dedupeKey: 'k', ...relations }),
      taskOf(store, {}, { ifBlocked: 'skip' }),
    ],
  ],
]

export const relationCases: readonly ConformanceCase[] = [
  ...ways.map(([way, tasksOf]) => ({
    name: `relations: of a task dispatched ${way} are kept, and come with the claim`,
    async run(store: Store) {
      const relations = await related(store)
      const tasks = tasksOf(store, relations)
      const [task, other] = tasks
      if (task === undefined) throw new Error('no task')
      await store.dispatch(tasks)
      same(pick(await load(store, task.id)), relations, 'record')
      if (other !== undefined) same(pick(await load(store, other.id)), unrelated, 'the other one')
      const worker = await HandWorker.register(store)
      same(pick((await worker.claim(2)).find(({ id }) => id === task.id)), relations, 'claim')
      const again = (await worker.turn(2, [], [])).claimed
      same(pick(again.find(({ id }) => id === task.id)), relations, 'claim again')
    },
  })),
  {
    name: 'relations: of a skipped task are kept',
    async run(store) {
      const relations = await related(store)
      await store.dispatch([taskOf(store, { exclusive: ['r'] })])
      const task = taskOf(store, { exclusive: ['r'] }, { ifBlocked: 'skip', ...relations })
      same(only(await store.dispatch([task])).state, 'skipped', 'state')
      same(pick(await load(store, task.id)), relations, 'record')
    },
  },
  {
    name: 'relations: children of a task, and members of a group, are counted by their states',
    async run(store) {
      const { parentId, groupId } = await related(store)
      const worker = await HandWorker.register(store)
      await store.dispatch([taskOf(store, {}, { parentId, groupId }), taskOf(store)])
      const [first] = await worker.claim(1)
      if (first !== undefined) await worker.complete(first)
      const canceled = taskOf(store, {}, { parentId, queue: 'other' })
      await store.dispatch([canceled, taskOf(store, {}, { parentId, groupId, queue: 'other' })])
      await store.cancel(canceled.id)
      const none = Object.fromEntries(taskStates.map((state) => [state, 0]))
      same(
        await store.count({ parentId }),
        { ...none, completed: 1, canceled: 1, waiting: 1 },
        'children',
      )
      same(await store.count({ groupId }), { ...none, completed: 1, waiting: 1 }, 'members')
      same(await store.count({ groupId: store.newId() }), none, 'of another group')
    },
  },
  {
    name: 'relations: a list can be of one parent, one group or one correlation id',
    async run(store) {
      const relations = await related(store)
      const { parentId, groupId, correlationId } = relations
      const child = taskOf(store, {}, { parentId })
      const member = taskOf(store, {}, { groupId })
      const correlated = taskOf(store, {}, { correlationId })
      await store.dispatch([child, member, correlated, taskOf(store)])
      same(idsOf(await store.list({ parentId })), [child.id], 'by parent')
      same(idsOf(await store.list({ groupId })), [member.id], 'by group')
      same(idsOf(await store.list({ correlationId })), [correlated.id], 'by correlation id')
      same(await store.list({ parentId, groupId }), [], 'by both')
    },
  },
]
