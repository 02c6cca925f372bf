import { loadSystem } from '../systems/index.ts'
import type { CrewSetup } from '../systems/system.ts'
import { tellFinished } from './finished-tally.ts'
import { serve } from './service.ts'

/** When a handler ran, in nanoseconds of the monotonic clock that all processes share. */
export type RunNote = readonly [index: number, startNs: number, endNs: number]

export interface MemberSetup extends CrewSetup {
  /** Whether handlers note when they ran, and give way once, so that others could come between. */
  readonly records: boolean
}

export interface CrewMemberApi {
  open(setup: MemberSetup): Promise<void>
  start(): Promise<void>
  /** Of all tasks so far. */
  runs(): Promise<readonly RunNote[]>
}

// Exact in a number for the first hundred days that a machine is up.
const nowNs = () => Number(process.hrtime.bigint())
const runs: RunNote[] = []
let begin: (() => Promise<void>) | undefined

serve<CrewMemberApi>({
  async open({ records, ...setup }) {
    const system = await loadSystem(setup.system)
    const noted = async ({ index }: { readonly index: number }) => {
      const startNs = nowNs()
      await new Promise((resolve) => setImmediate(resolve))
      runs.push([index, startNs, nowNs()])
    }
    begin = await system.openWorker(setup, {
      run: records ? noted : async () => undefined,
      finished: tellFinished,
    })
  },
  async start() {
    await begin?.()
  },
  runs: async () => runs,
})
