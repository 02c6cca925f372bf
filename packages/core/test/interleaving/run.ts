import fc from 'fast-check'
import { close } from './closing.ts'
import { scenario } from './commands.ts'
import type { Engine } from './engine.ts'
import { World } from './world.ts'

const workers = 3

/** Plays random scenarios on a store and its model; a failure tells the whole story. */
export async function playScenarios(engine: Engine, numRuns: number): Promise<void> {
  let run = 0
  const play = fc.asyncProperty(scenario, async (commands) => {
    const world = await World.begin(engine, `run${(run += 1)}:`, workers)
    let failed = true
    try {
      await fc.asyncModelRun(() => ({ model: world, real: world }), commands)
      await close(world)
      failed = false
    } catch (error) {
      const what = error instanceof Error ? error.message : String(error)
      throw new Error(`${world.readable(what)}\n\n${world.story}\n`, { cause: error })
    } finally {
      await engine.clear(failed)
    }
  })
  await fc.assert(play, { numRuns, ...replay() })
}

/** `{"seed": …, "path": "…"}` of a failure, to see it again. */
function replay(): fc.Parameters<unknown> {
  return JSON.parse(process.env['TASKING_TEST_REPLAY'] ?? '{}') as fc.Parameters<unknown>
}
