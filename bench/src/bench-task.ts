import { defineTask } from '@tasking/core'
import type { ResourceRequest } from '@tasking/core'

/** The benchmark's task: reserves what its input says, and has nothing to do. */
export const benchTask = defineTask({
  name: 'bench.work',
  resources: (input: ResourceRequest) => input,
  run: () => null,
})
