import { defineTask } from '@tasking/core'
import type { ResourceRequest, Tasking, TaskId, WorkerId } from '@tasking/core'

/** Takes the resources that its input names, and is only claimed by hand. */
export const hold = defineTask({
  name: 'hold',
  resources: (request: ResourceRequest) => request,
  run() {},
})

/** Registers a worker that claims by hand. */
export async function register(
  { store }: Pick<Tasking, 'store'>,
  name: string,
  rest: {
    readonly queues?: string[]
    readonly taskNames?: string[]
    readonly cleansUp?: string[]
    readonly concurrency?: number
  } = {},
): Promise<WorkerId> {
  const id = store.newId()
  const settings = { concurrency: 2, queues: ['default'], taskNames: ['hold'], version: '1' }
  await store.registerWorker({ id, name, ttlMs: 600_000, ...settings, ...rest })
  return id
}

/** Lets a worker claim so many tasks; they stay with it. */
export async function claim(
  { store }: Pick<Tasking, 'store'>,
  workerId: WorkerId,
  slots = 1,
): Promise<TaskId[]> {
  const { claimed } = await store.turn({ workerId, slots, completions: [], looks: [] })
  return claimed.map(({ id }) => id)
}

/** Loses the worker of the first task that can be claimed, which another one could clean up after. */
export async function orphan(tasking: Tasking): Promise<void> {
  const lost = await register(tasking, 'lost')
  const [id = ''] = await claim(tasking, lost)
  const { fencingToken } = await tasking.find(id)
  const created = { resources: ['half'], state: 'incomplete' as const }
  await tasking.store.recordCreation({
    ...{ id, workerId: lost, fencingToken: fencingToken ?? 0n, ...created },
  })
  await register(tasking, 'north', { cleansUp: ['hold'] })
  await tasking.store.unregisterWorker(lost)
}
