import type { Figures } from '../measure/figures.ts'
import { plainTasks } from '../plain-tasks.ts'
import type { Goal, Scenario, SideDefinition } from '../scenario.ts'
import { measureBacklog } from './backlog.ts'
import type { Backlog } from './backlog.ts'
import { freshSide, onRedis } from './fresh-side.ts'
import { throughputGoal } from './throughput-goal.ts'

const ours = 'tasking, 1,000 slots'
const oursUnbatched = 'tasking, 24 slots'
const oursSingle = 'tasking, 1 slot'
const graphile = 'graphile, batched'
const graphileUnbatched = 'graphile, unbatched, 24 slots'
const graphileSingle = 'graphile, unbatched, 1 slot'
const boss = 'pg-boss, batches of 1,000'
const bossUnbatched = 'pg-boss, unbatched, 24 slots'
const bullMq = 'BullMQ on Redis, 100 slots'

const cpu = ({ postgresCpu, nodeCpu }: Figures) =>
  postgresCpu === undefined ? undefined : postgresCpu + nodeCpu

const goals: readonly Goal[] = [
  throughputGoal(ours, graphile, 1.2),
  throughputGoal(ours, boss, 1.5),
  throughputGoal(oursUnbatched, graphileUnbatched, 5),
  {
    ...{ side: ours, against: graphile, what: 'CPU of PostgreSQL and Node' },
    ...{ figure: cpu, bound: { atMost: 1 } },
  },
]

export const drain = scenario('drain', 1)
export const drainByFour = scenario('drain-4', 4)

function scenario(name: string, processes: number): Scenario {
  const by = processes === 1 ? 'one process' : `${processes} processes`
  return {
    name,
    description: `tasks that do nothing and reserve nothing, worked off by ${by}`,
    sides: [
      side(ours, 50_000, { system: 'tasking', slots: 1_000, processes }),
      side(oursUnbatched, 20_000, { system: 'tasking', slots: 24, processes }),
      side(oursSingle, 2_000, { system: 'tasking', slots: 1, processes }),
      side(graphile, 50_000, { system: 'graphile-worker', slots: 24, processes, batched: true }),
      side(graphileUnbatched, 10_000, { system: 'graphile-worker', slots: 24, processes }),
      side(graphileSingle, 2_000, { system: 'graphile-worker', slots: 1, processes }),
      side(boss, 50_000, { system: 'pg-boss', slots: 1, processes, batched: true }),
      side(bossUnbatched, 10_000, { system: 'pg-boss', slots: 24, processes }),
      onRedis(side(bullMq, 50_000, { system: 'bullmq', slots: 100, processes })),
    ],
    goals,
  }
}

function side(name: string, fullSize: number, backlog: Omit<Backlog, 'tasks'>): SideDefinition {
  return freshSide(name, (stage) =>
    measureBacklog(stage, { ...backlog, tasks: plainTasks(stage.scaled(fullSize, 200)) }),
  )
}
