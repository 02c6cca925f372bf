import type { CallerApi, CallerSetup } from './caller.ts'
import { spawnRemote } from './remote.ts'
import type { Remote } from './remote.ts'

const script = new URL('./caller.ts', import.meta.url)

/** A process that dispatches to some task system, connected. */
export async function spawnCaller(setup: CallerSetup): Promise<Remote<CallerApi>> {
  const remote = spawnRemote<CallerApi>(script)
  try {
    await remote.call('open', setup)
    return remote
  } catch (error) {
    await remote[Symbol.asyncDispose]()
    throw error
  }
}
