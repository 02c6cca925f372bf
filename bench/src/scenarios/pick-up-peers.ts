import type { Goal, Scenario, SideDefinition } from '../scenario.ts'
import type { SystemName } from '../systems/system.ts'
import { freshSide, onRedis } from './fresh-side.ts'
import { openTrickle } from './trickle.ts'

const ours = 'tasking, listening'
const graphile = 'graphile, listening'

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
    onRedis(side('BullMQ on Redis', 'bullmq', listening)),
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
    await using trickle = await openTrickle(stage, systemName, listen)
    const tasks = stage.scaled(fullSize, 20)
    return await trickle.database.measure(trickle.processes, async () => ({
      tasks,
      latenciesMs: await trickle.run(tasks, longestPauseMs),
    }))
  })
}
