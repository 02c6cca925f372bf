import { setTimeout as sleep } from 'node:timers/promises'
import { createTasking, defineTask } from '@tasking/core'
import { pgStore } from '@tasking/store-pg'
import { createWorker } from '@tasking/worker'
import { percentile } from '@tasking/workload'
import { fillBlocked } from '../fill.ts'
import type { Scenario, SideDefinition } from '../scenario.ts'
import { sharedSide } from './shared-side.ts'

const empty = 'nothing else there'
const blocked = '100,000 blocked on one resource'
const warmUps = 30
// Long enough for the worker to have asked in vain, so that the wake-up is what brings the task.
const pauseMs = 5

export const pickUp: Scenario = {
  name: 'pick-up',
  description: 'from the dispatch of a free task until its handler runs, one idle worker listening',
  sides: [side(empty, 0), side(blocked, 100_000)],
  goals: [
    {
      ...{ side: blocked, against: empty, what: 'time' },
      figure: ({ p50Ms }) => p50Ms,
      bound: { atMost: 1.3 },
    },
  ],
}

function side(name: string, blockedTasks: number): SideDefinition {
  return sharedSide(
    name,
    async (stage, database) => {
      let begin: () => void = () => undefined
      const freeTask = defineTask({
        name: 'bench.free',
        resources: (id: string) => ({ exclusive: [`first:${id}`, `second:${id}`] }),
        run: () => begin(),
      })
      const store = pgStore({ url: database.url })
      await using tasking = createTasking({ store, tasks: [freeTask] })
      let finish: () => void = () => undefined
      await using _worker = await createWorker({
        tasking,
        onEvent: ({ kind }) => kind === 'finished' && finish(),
      }).start()
      const dispatchMs: number[] = []
      const pickUpMs: number[] = []
      const one = async () => {
        const begun = new Promise<void>((resolve) => (begin = resolve))
        const finished = new Promise<void>((resolve) => (finish = resolve))
        const startedAt = performance.now()
        await tasking.dispatch(freeTask, crypto.randomUUID())
        dispatchMs.push(performance.now() - startedAt)
        await begun
        pickUpMs.push(performance.now() - startedAt)
        await finished
        await sleep(pauseMs)
      }
      for (let n = 0; n < warmUps; n += 1) await one()
      dispatchMs.length = 0
      pickUpMs.length = 0
      const tasks = stage.scaled(500, 20)
      return await database.measure([], async () => {
        for (let n = 0; n < tasks; n += 1) await one()
        const extra = { 'dispatch p50 ms': percentile(dispatchMs, 0.5) }
        return { tasks, latenciesMs: pickUpMs, extra }
      })
    },
    async (database, stage) => {
      if (blockedTasks > 0) await fillBlocked(database, stage.scaled(blockedTasks, 1_000))
    },
  )
}
