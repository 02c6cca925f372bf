import { describe, test } from 'vitest'
import { MemoryStore } from '../src/memory-store.ts'
import { ownCompletionConformance, storeConformance } from '../src/conformance/index.ts'

const atOnce = ownCompletionConformance((run) => run(undefined as never))

describe('MemoryStore', () => {
  test.each([...storeConformance, ...atOnce])('$name', async ({ run }) => {
    await using store = new MemoryStore()
    await run(store)
  })
})
