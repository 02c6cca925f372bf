import { defineTask } from '@tasking/core'
import type { ResourceRequest, TaskContext } from '@tasking/core'

/** The benchmark's task: reserves what its input says, and has nothing to do. */
export const benchTask = defineTask({
  name: 'bench.work',
  resources: (input: ResourceRequest) => input,
  run: () => null,
})

/** A task that goes on until it is stopped; each process says what it tells of that. */
export function waitingTask(run: (input: void, context: TaskContext) => Promise<void>) {
  return defineTask({ name: 'bench.wait', run })
}
