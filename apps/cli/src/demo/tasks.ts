import { setTimeout as sleep } from 'node:timers/promises'
import { defineTask, normalizeResources } from '@tasking/core'
import type { Resources } from '@tasking/core'
import { recordStart } from '@tasking/workload'

// A worker of the demo is nothing without it.
if (process.connected) process.once('disconnect', () => process.exit(1))

/** What the demo's tasks get: the place in the workload, and where to note start and end. */
export interface DemoInput {
  readonly index: number
  readonly durationMs: number
  readonly resources: Resources
  readonly recordings: string
}

/** The demo's only task: notes its start, works by waiting, notes its end. */
export const demoTask = defineTask({
  name: 'demo.work',
  resources: ({ resources }: DemoInput) => normalizeResources(resources),
  async run({ index, durationMs, recordings }: DemoInput, { signal }) {
    const recordEnd = recordStart(recordings, index)
    try {
      await sleep(durationMs, undefined, { signal })
    } finally {
      recordEnd()
    }
    return { index }
  },
})
