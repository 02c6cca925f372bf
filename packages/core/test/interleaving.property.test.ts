import { test } from 'vitest'
import { runs } from './arbitraries.ts'
import { MemoryEngine } from './interleaving/memory-engine.ts'
import { playScenarios } from './interleaving/run.ts'

test('in memory, whatever clients and workers do, everything goes as in the model', async () => {
  await playScenarios(new MemoryEngine(4), runs(2_000))
}, 300_000)
