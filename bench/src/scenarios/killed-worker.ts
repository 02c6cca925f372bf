import { createTasking } from '@tasking/core'
import { pgStore } from '@tasking/store-pg'
import { percentile } from '@tasking/workload'
import { benchDatabase } from '../bench-database.ts'
import { waitingTask } from '../bench-task.ts'
import { spawnWaitingWorker } from '../processes/spawn-waiting-worker.ts'
import type { Scenario, SideDefinition } from '../scenario.ts'
import { freshSide } from './fresh-side.ts'

const ttl = 10_000
const beyond = 'slowest, s beyond the TTL'
const task = waitingTask(async () => undefined)
const sideName = 'a worker beside it'

export const killedWorker: Scenario = {
  name: 'killed-worker',
  description: `from the SIGKILL of a worker with a TTL of ${ttl / 1_000} s to its task's final state`,
  sides: [side(sideName)],
  goals: [
    {
      ...{ side: sideName, what: beyond, figure: ({ extra }) => extra[beyond] },
      bound: { atMost: 5 },
    },
  ],
  rounds: 3,
}

function side(name: string): SideDefinition {
  return freshSide(name, async (stage) => {
    await using database = await benchDatabase(stage)
    const setup = { url: database.url, listen: true, ttl }
    await using keeper = await spawnWaitingWorker({ ...setup, takesTasks: false })
    await using tasking = createTasking({ store: pgStore({ url: database.url }) })
    const latenciesMs: number[] = []
    return await database.measure([keeper], async () => {
      const tasks = stage.scaled(5, 1)
      while (latenciesMs.length < tasks) {
        await using victim = await spawnWaitingWorker({ ...setup, takesTasks: true })
        const started = victim.next('started')
        const handle = await tasking.dispatch(task)
        await started
        // At any moment between two heartbeats.
        const killedAt = performance.now()
        victim.kill('SIGKILL')
        await handle.finished()
        latenciesMs.push(performance.now() - killedAt)
      }
      const extra = { [beyond]: (percentile(latenciesMs, 1) - ttl) / 1_000 }
      return { tasks, latenciesMs, extra }
    })
  })
}
