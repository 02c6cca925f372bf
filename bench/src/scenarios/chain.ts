import { batchEntry, createTasking, defineTask } from '@tasking/core'
import { pgStore } from '@tasking/store-pg'
import { createWorker } from '@tasking/worker'
import { benchTask } from '../bench-task.ts'
import type { Figures } from '../measure/figures.ts'
import type { Scenario, SideDefinition } from '../scenario.ts'
import { sharedSide } from './shared-side.ts'

const single = 'one slot'
const several = 'ten slots'
const resources = { exclusive: ['chain'] }
// The worker's heartbeats and housekeeping go on meanwhile, a few a second.
const bound = { atMost: 1.05 }

export const chain: Scenario = {
  name: 'chain',
  description: 'claim and finish of tasks that all need one resource, by one worker',
  sides: [side(single, 1), side(several, 10)],
  goals: [single, several].flatMap((name) => [
    {
      ...{ side: name, what: 'round trips per task', bound },
      figure: ({ roundTripsPerTask }: Figures) => roundTripsPerTask,
    },
    {
      ...{ side: name, what: 'commits per task', bound },
      figure: ({ commitsPerTask }: Figures) => commitsPerTask,
    },
  ]),
}

function side(name: string, concurrency: number): SideDefinition {
  return sharedSide(name, async (stage, database) => {
    // Holds the resource until the measurement has begun.
    let letGo: () => void = () => undefined
    const held = new Promise<void>((resolve) => (letGo = resolve))
    const headTask = defineTask({ name: 'bench.head', resources, run: () => held })
    const store = pgStore({ url: database.url })
    await using tasking = createTasking({ store, tasks: [benchTask, headTask] })
    const tasks = stage.scaled(3_000, 100)
    await tasking.dispatch(headTask)
    await tasking.dispatchBatch(
      Array.from({ length: tasks }, () => batchEntry(benchTask, resources)),
    )
    let claimed: () => void = () => undefined
    const headClaimed = new Promise<void>((resolve) => (claimed = resolve))
    let left = tasks + 1
    let finish: () => void = () => undefined
    const allFinished = new Promise<void>((resolve) => (finish = resolve))
    await using _worker = await createWorker({
      ...{ tasking, concurrency },
      onEvent({ kind }) {
        if (kind === 'claimed') claimed()
        if (kind === 'finished' && (left -= 1) === 0) finish()
      },
    }).start()
    await headClaimed
    return await database.measure([], async () => {
      letGo()
      await allFinished
      return { tasks: tasks + 1 }
    })
  })
}
