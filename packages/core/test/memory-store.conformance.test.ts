import { describe, test } from 'vitest'
import { MemoryStore } from '../src/memory-store.ts'
import { storeConformance } from '../src/conformance/index.ts'

describe('MemoryStore', () => {
  test.each(storeConformance)('$name', async ({ run }) => {
    await using store = new MemoryStore()
    await run(store)
  })
})
