import { isFinal, nextState, taskEvents, taskStates } from '../state-machine.ts'
import type { TaskEvent, TaskState } from '../state-machine.ts'
import type { Store } from '../store.ts'
import type { ClaimedTask, TaskId } from '../task.ts'
import type { ConformanceCase } from './index.ts'
import {
  completed,
  failed,
  HandWorker,
  leaveBehind,
  load,
  only,
  retried,
  same,
  taskOf,
} from './stand.ts'

interface Stand {
  readonly store: Store
  readonly worker: HandWorker
  readonly id: TaskId
  /** As claimed; a made-up claim where the task was never claimed. */
  readonly claim: ClaimedTask
}

type Reach = (stand: Stand) => Promise<ClaimedTask>

const claim: Reach = async ({ worker }) => only(await worker.claim(1))

// How a task gets into each state that can be reached by the verbs.
const reach: Partial<Record<TaskState, Reach>> = {
  async scheduled(stand) {
    const claimed = await claim(stand)
    await stand.worker.turn(0, [retried(claimed)])
    return claimed
  },
  waiting: async ({ claim: made }) => made,
  running: claim,
  async canceling(stand) {
    const claimed = await claim(stand)
    await stand.store.cancel(stand.id)
    return claimed
  },
  async completed(stand) {
    const claimed = await claim(stand)
    await stand.worker.complete(claimed)
    return claimed
  },
  async failed(stand) {
    const claimed = await claim(stand)
    await stand.worker.turn(0, [failed(claimed)])
    return claimed
  },
  async canceled({ store, id, claim: made }) {
    await store.cancel(id)
    return made
  },
}

// How each event is tried; what the store thinks of it is what the case is about.
const attempt: Readonly<Record<TaskEvent, (stand: Stand) => Promise<unknown>>> = {
  due: ({ store }) => store.promote(),
  claim: ({ worker }) => worker.claim(1),
  complete: ({ worker, claim: of }) => worker.turn(0, [completed(of)]),
  fail: ({ worker, claim: of }) => worker.turn(0, [failed(of)]),
  retry: ({ worker, claim: of }) => worker.turn(0, [retried(of)]),
  cancel: ({ store, id }) => store.cancel(id).catch(() => undefined),
  lose: ({ store, worker }) => store.unregisterWorker(worker.id),
  recover: ({ store, worker }) => store.unregisterWorker(worker.id),
  async orphan(stand) {
    await registerCleaner(stand.store)
    await leaveBehind(stand.store, stand.worker.id, stand.claim)
    await stand.store.unregisterWorker(stand.worker.id)
  },
  async abandon({ store, worker, id }) {
    if ((await load(store, id)).state === 'waiting') {
      const cleaner = await registerCleaner(store)
      await leaveBehind(store, worker.id, only(await worker.claim(1)))
      await store.unregisterWorker(worker.id)
      same((await load(store, id)).state, 'waiting', 'orphaned')
      await store.unregisterWorker(cleaner.id)
    }
    await store.housekeep()
  },
}

const registerCleaner = (store: Store) => HandWorker.register(store, { cleansUp: ['task'] })

/** The store and the state machine agree on every pair that the verbs can bring about. */
export const stateMachineCases: readonly ConformanceCase[] = taskStates.flatMap((state) =>
  taskEvents.flatMap((event) => {
    const [get, act] = [reach[state], attempt[event]]
    if (get === undefined) return []
    const wanted = nextState(state, event) ?? state
    return [
      {
        name: `state machine: ${state}, ${event}: ${wanted}`,
        async run(store: Store) {
          const worker = await HandWorker.register(store)
          const recovery = { limit: 1, delaysMs: [0], keepPlace: false }
          const task = taskOf(store, {}, event === 'recover' ? { options: { recovery } } : {})
          await store.dispatch([task])
          const { id, name, input, resources, queue } = task
          const related = { parentId: null, groupId: null, correlationId: null }
          const made = {
            ...{ id, name, input, resources, queue, ...related },
            ...{ attempt: 1, fencingToken: 0n },
          }
          const stand = { store, worker, id, claim: made }
          const claimed = await get(stand)
          same((await load(store, id)).state, state, 'before')
          await act({ ...stand, claim: claimed })
          const after = await load(store, id)
          same(after.state, wanted, 'after')
          same(after.finishedAt !== null, isFinal(wanted), 'finished')
        },
      },
    ]
  }),
)
