import { MemoryStore } from '@tasking/core'
import type { Store } from '@tasking/core'
import { expect, test, vi } from 'vitest'
import { forwardingStore } from './forwarding-store.ts'

test('what is handed to the store arrives whole', async () => {
  const store: Store = new MemoryStore()
  const housekeep = vi.spyOn(store, 'housekeep')
  const queues = vi.fn(async () => [])
  await using forwarding = forwardingStore(store, { queues })
  expect(await forwarding.housekeep({ sweep: false })).toMatchObject({ done: true })
  expect(housekeep.mock.calls).toEqual([[{ sweep: false }]])
  expect(await forwarding.queues()).toEqual([])
  expect(queues).toHaveBeenCalledOnce()
  expect(forwarding.signals).toBe(store.signals)
})
