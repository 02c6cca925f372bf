import { setTimeout as sleep } from 'node:timers/promises'
import { loadSystem } from '../systems/index.ts'
import type { CrewSetup } from '../systems/system.ts'
import { tellFinished } from './finished-tally.ts'
import { serve } from './service.ts'

/** When a handler ran, in nanoseconds of the monotonic clock that all processes share. */
export type RunNote = readonly [index: number, startNs: number, endNs: number]

export interface MemberSetup extends CrewSetup {
  /** Whether handlers note when they ran, and give way once, so that others could come between. */
  readonly records: boolean
  /** How long they work, instead of giving way; only where they note it. */
  readonly workMs?: number
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
  async open({ records, workMs, ...setup }) {
    const system = await loadSystem(setup.system)
    const noted = async ({ index }: { readonly index: number }) => {
      const startNs = nowNs()
      await (workMs === undefined ? new Promise((resolve) => setImmediate(resolve)) : sleep(workMs))
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
