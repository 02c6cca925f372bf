import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { configDefaults, defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: [
      '{packages,apps,examples}/*/test/**/*.test.ts',
      '{testbed,bench}/test/**/*.test.ts',
      'scripts/test/**/*.test.ts',
    ],
    // They take minutes and want a quiet machine: see docs/performance.md.
    exclude: [
      ...configDefaults.exclude,
      ...(process.env['TASKING_TEST_BENCH'] ? [] : ['bench/test/{scenarios,stress}.test.ts']),
    ],
    // Files mostly wait for servers, processes and each other's clocks: more of them than cores can go on.
    maxWorkers: Math.max(3, availableParallelism()),
    globalSetup: ['./testbed/global-setup.ts'],
    // The processes that tests start spend much of their time compiling the same modules.
    env: { NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules/.cache/compiled') },
    // Real servers and processes start and stop in tests and hooks, on small and busy machines too. It only
    // ends what hangs: a test that is there to find that something takes too long measures it.
    testTimeout: 120_000,
    hookTimeout: 240_000,
  },
})
