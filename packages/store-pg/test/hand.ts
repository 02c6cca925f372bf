import { normalizeResources } from '@tasking/core'
import type { ClaimedTask, Completion, NewTask, ResourceRequest, Store } from '@tasking/core'

/** A new task, with what a test doesn't care about filled in. */
export function taskOf(store: Store, request: ResourceRequest = {}): NewTask {
  return {
    ...{ id: store.newId(), name: 'task', input: null, queue: 'default', priority: 0 },
    resources: normalizeResources(request),
  }
}

/** Registers a worker that a test drives by hand; returns its id. */
export async function register(store: Store, ttlMs = 60_000): Promise<string> {
  const id = store.newId()
  await store.registerWorker({
    ...{ id, name: 'by hand', ttlMs, concurrency: 10, version: '' },
    ...{ queues: ['default'], taskNames: ['task'] },
  })
  return id
}

export async function claim(store: Store, workerId: string, slots: number) {
  return (await store.turn({ workerId, slots, completions: [], looks: [] })).claimed
}

export function completed({ id, fencingToken }: ClaimedTask): Completion {
  return { id, fencingToken, state: 'completed', result: null }
}

/** The error that a promise rejects with. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => {
      throw new Error('It should have been rejected.')
    },
    (error: unknown) => error,
  )
}
