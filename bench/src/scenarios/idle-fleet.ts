import { setTimeout as sleep } from 'node:timers/promises'
import { benchTask } from '../bench-task.ts'
import type { Figures } from '../measure/figures.ts'
import { WorkerFleet } from '../processes/worker-fleet.ts'
import { resourcesOf } from '../resource-pattern.ts'
import type { Scenario, SideDefinition } from '../scenario.ts'
import { sharedSide } from './shared-side.ts'

const onePolling = '1 worker, polling'
const manyPolling = '64 workers, polling'
const oneListening = '1 worker, listening'
const manyListening = '64 workers, listening'
const warmUp = 30
const perSecond = 100
const time = {
  what: 'time',
  figure: ({ p50Ms }: Figures) => p50Ms,
  bound: { atMost: 1.2 },
}

export const idleFleet: Scenario = {
  name: 'idle-fleet',
  description: 'how long a dispatch takes, 100 a second, beside workers that wait for more',
  sides: [
    side(onePolling, 1, false),
    side(manyPolling, 64, false),
    side(oneListening, 1, true),
    side(manyListening, 64, true),
  ],
  goals: [
    { side: manyPolling, against: onePolling, ...time },
    { side: manyListening, against: oneListening, ...time },
  ],
}

function side(name: string, workers: number, listen: boolean): SideDefinition {
  return sharedSide(name, async (stage, database) => {
    const processes = Math.min(workers, stage.scaled(4, 2))
    await using fleet = await WorkerFleet.start({
      ...{ url: database.url, processes, concurrency: 1, listen },
      workers: workers === 1 ? 1 : stage.scaled(workers / 4, 2),
    })
    await using tasking = database.tasking({ listen: false })
    const dispatchMany = async (count: number) => {
      const latenciesMs: number[] = []
      let dueAt = performance.now()
      for (let n = 0; n < count; n += 1) {
        await sleep(Math.max(0, dueAt - performance.now()))
        dueAt = Math.max(dueAt, performance.now()) + 1_000 / perSecond
        const startedAt = performance.now()
        await tasking.dispatch(benchTask, resourcesOf({ kind: 'own' }))
        latenciesMs.push(performance.now() - startedAt)
      }
      return latenciesMs
    }
    await dispatchMany(warmUp)
    const tasks = stage.scaled(1_000, 30)
    return await database.measure(fleet.processes, async () => {
      const latenciesMs = await dispatchMany(tasks)
      await fleet.untilFinished(warmUp + tasks)
      return { tasks, latenciesMs }
    })
  })
}
