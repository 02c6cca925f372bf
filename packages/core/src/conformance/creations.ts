import type { CreationState } from '../creation.ts'
import type { ConformanceCase } from './index.ts'
import { HandWorker, only, rejects, same, taskOf } from './stand.ts'

export const creationCases: readonly ConformanceCase[] = [
  {
    name: 'creations: are kept in the order in which they were named first, with their last state',
    async run(store) {
      const task = taskOf(store)
      await store.dispatch([task])
      const worker = await HandWorker.register(store)
      const claim = only(await worker.claim(1))
      const { id, fencingToken } = claim
      const record = (state: CreationState, ...resources: string[]) =>
        store.recordCreation({ id, workerId: worker.id, fencingToken, resources, state })
      await record('incomplete', 'version:2')
      await record('incomplete', 'artifact "ü"')
      await record('complete', 'version:2')
      const read = async () =>
        (await store.created(id)).map(({ resource, state }) => [resource, state])
      const kept = [
        ['version:2', 'complete'],
        ['artifact "ü"', 'incomplete'],
      ]
      same(await read(), kept, 'while it runs')
      await worker.complete(claim)
      await rejects(record('removed', 'version:2'), 'task_lost')
      same(await read(), kept, 'afterwards')
      await store.delete(id)
      same(await store.created(id), [], 'of the deleted task')
    },
  },
  {
    name: 'creations: of a worker that has lost its task are refused',
    async run(store) {
      const task = taskOf(store)
      await store.dispatch([task])
      const worker = await HandWorker.register(store)
      const { id, fencingToken } = only(await worker.claim(1))
      const rest = { workerId: worker.id, resources: ['r'], state: 'complete' as const }
      await rejects(
        store.recordCreation({ id, fencingToken: fencingToken - 1n, ...rest }),
        'task_lost',
      )
      await store.unregisterWorker(worker.id)
      await rejects(store.recordCreation({ id, fencingToken, ...rest }), 'task_lost')
      await rejects(store.recordCreation({ id: store.newId(), fencingToken, ...rest }), 'task_lost')
      same(await store.created(id), [], 'kept')
    },
  },
]
