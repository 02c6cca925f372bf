import { setTimeout as sleep } from 'node:timers/promises'
import { createTasking } from '@tasking/core'
import { pgStore } from '@tasking/store-pg'
import { benchDatabase } from '../bench-database.ts'
import { waitingTask } from '../bench-task.ts'
import { spawnWaitingWorker } from '../processes/spawn-waiting-worker.ts'
import type { Scenario, SideDefinition } from '../scenario.ts'
import { freshSide } from './fresh-side.ts'

const listening = 'listening'
const warmUp = 5
// Longer than a worker looks around for more after a task.
const leastPauseMs = 300
const pauseMs = 200
const task = waitingTask(async () => undefined)

export const cancel: Scenario = {
  name: 'cancel',
  description: 'from the cancel in one process until an inline handler in another is aborted',
  sides: [side(listening, true, 200), side('polling', false, 50)],
  goals: [
    {
      ...{ side: listening, what: 'time, p99', figure: ({ p99Ms }) => p99Ms },
      bound: { atMost: 50 },
    },
  ],
  rounds: 3,
}

function side(name: string, listen: boolean, fullSize: number): SideDefinition {
  return freshSide(name, async (stage) => {
    await using database = await benchDatabase(stage)
    const { url } = database
    await using worker = await spawnWaitingWorker({ url, listen, ttl: 30_000, takesTasks: true })
    await using tasking = createTasking({ store: pgStore({ url, listen: false }) })
    const tasks = stage.scaled(fullSize, 10)
    const one = async () => {
      const started = worker.next('started')
      const { id } = await tasking.dispatch(task)
      await started
      await sleep(leastPauseMs + Math.random() * pauseMs)
      const aborted = worker.next('aborted')
      const askedNs = Number(process.hrtime.bigint())
      await tasking.cancel(id)
      return ((await aborted) - askedNs) / 1e6
    }
    for (let n = 0; n < warmUp; n += 1) await one()
    return await database.measure([worker], async () => {
      const latenciesMs: number[] = []
      while (latenciesMs.length < tasks) latenciesMs.push(await one())
      return { tasks, latenciesMs }
    })
  })
}
