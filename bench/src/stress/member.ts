import { serve } from '../processes/service.ts'
import type { MemberApi } from './team.ts'

/**
 * What a process of a team does: it runs until it is told to stop, or ends with code 1.
 * @param run resolves to how much it has done
 */
export function serveMember<Setup>(
  run: (setup: Setup, isStopped: () => boolean) => Promise<number>,
): void {
  let stopped = false
  let running = Promise.resolve(0)
  serve<MemberApi<Setup>>({
    async start(setup) {
      running = run(setup, () => stopped)
      running.catch((error: unknown) => {
        console.error(error)
        process.exit(1)
      })
    },
    async stop() {
      stopped = true
      return running
    },
  })
}
