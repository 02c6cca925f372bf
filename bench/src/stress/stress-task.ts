import { setTimeout as sleep } from 'node:timers/promises'
import { defineTask } from '@tasking/core'
import type { Resources } from '@tasking/core'
import { recordStart } from '@tasking/workload'

export interface StressInput {
  readonly index: number
  readonly resources: Resources
  readonly durationMs: number
  /** The directory in which its start and its end are noted. */
  readonly recordings: string
}

/** Notes its start, works by waiting, notes its end, also when it is told to stop. */
export const stressTask = defineTask({
  name: 'stress.work',
  resources: ({ resources }: StressInput) => resources,
  async run({ index, durationMs, recordings }: StressInput, { signal }) {
    const recordEnd = recordStart(recordings, index)
    try {
      if (durationMs > 0) await sleep(durationMs, undefined, { signal })
    } finally {
      recordEnd()
    }
  },
})
