import { setTimeout as sleep } from 'node:timers/promises'
import { benchDatabase } from '../bench-database.ts'
import { plainTasks } from '../plain-tasks.ts'
import { Crew } from '../processes/crew.ts'
import { spawnCaller } from '../processes/spawn-caller.ts'
import type { Goal, Scenario, SideDefinition } from '../scenario.ts'
import { loadSystem } from '../systems/index.ts'
import type { SystemName } from '../systems/system.ts'
import { freshSide } from './fresh-side.ts'

const ours = 'tasking, listening'
const graphile = 'graphile, listening'
const warmUp = 10
// Longer than any worker looks around for more after a task.
const leastPauseMs = 10

interface Way {
  readonly listen: boolean
  readonly tasks: number
  /** Tasks come at any moment between two polls. */
  readonly longestPauseMs: number
}

const listening: Way = { listen: true, tasks: 500, longestPauseMs: 40 }
const polling: Way = { listen: false, tasks: 100, longestPauseMs: 1_000 }

export const pickUpPeers: Scenario = {
  name: 'pick-up-peers',
  description: 'from the dispatch by one process until the handler runs in another, which is idle',
  // graphile-worker has no way to poll only.
  sides: [
    side(ours, 'tasking', listening),
    side(graphile, 'graphile-worker', listening),
    side('pg-boss, listening', 'pg-boss', listening),
    side('tasking, polling', 'tasking', polling),
    side('pg-boss, polling', 'pg-boss', polling),
  ],
  goals: [goal('time, p50', ({ p50Ms }) => p50Ms), goal('time, p99', ({ p99Ms }) => p99Ms)],
}

function goal(what: string, figure: Goal['figure']): Goal {
  return { ...{ side: ours, against: graphile, what, figure }, bound: { atMost: 0.8 } }
}

function side(
  name: string,
  systemName: SystemName,
  { listen, tasks: fullSize, longestPauseMs }: Way,
): SideDefinition {
  return freshSide(name, async (stage) => {
    const system = await loadSystem(systemName)
    await using database = await benchDatabase(stage, (url) => system.install(url, { listen }))
    const { url } = database
    await using caller = await spawnCaller({ system: systemName, url, callers: 1 })
    await using crew = await Crew.open(1, {
      ...{ system: systemName, url, listen, load: 'trickle' },
      ...{ slots: 1, batched: false, records: true },
    })
    await crew.start()
    const count = stage.scaled(fullSize, 20)
    const beganNs: number[] = []
    const one = async (index: number) => {
      beganNs[index] = await caller.call('dispatchOne', { index, resources: [] })
      await crew.untilFinished(index + 1)
      await sleep(leastPauseMs + Math.random() * (longestPauseMs - leastPauseMs))
    }
    const tasks = plainTasks(warmUp + count)
    for (const { index } of tasks.slice(0, warmUp)) await one(index)
    const sample = await database.measure([caller, ...crew.processes], async () => {
      for (const { index } of tasks.slice(warmUp)) await one(index)
      return { tasks: count }
    })
    const runs = (await crew.runs()).filter(([index]) => index >= warmUp)
    const latenciesMs = runs.map(([index, startNs]) => (startNs - (beganNs[index] ?? 0)) / 1e6)
    return { ...sample, latenciesMs }
  })
}
