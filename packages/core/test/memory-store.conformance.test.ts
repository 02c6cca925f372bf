import { describe, test } from 'vitest'
import { MemoryStore } from '../src/memory-store.ts'
import {
  ownCompletionConformance,
  storeConformance,
  taskOptionsConformance,
} from '../src/conformance/index.ts'

const atOnce = ownCompletionConformance((run) => run(undefined as never))

describe('MemoryStore', () => {
  const cases = [...storeConformance, ...taskOptionsConformance, ...atOnce]

  test.each(cases)('$name', async ({ run }) => {
    await using store = new MemoryStore()
    await run(store)
  })
})
