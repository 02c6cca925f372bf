import { benchDatabase } from '../bench-database.ts'
import { inBatches, noResources, plainTasks } from '../plain-tasks.ts'
import type { Choice } from '../plain-tasks.ts'
import { spawnCaller } from '../processes/spawn-caller.ts'
import type { Scenario, SideDefinition } from '../scenario.ts'
import { loadSystem } from '../systems/index.ts'
import type { SystemName } from '../systems/system.ts'
import { freshSide, onRedis } from './fresh-side.ts'
import { throughputGoal } from './throughput-goal.ts'

const ours = 'tasking'
const oursWithTwo = 'tasking, 2 resources'
const graphile = 'graphile, addJobs'
const boss = 'pg-boss, insert'
const bullMq = 'BullMQ on Redis, addBulk'
const fullBatches = 30

export const bulk: Scenario = {
  name: 'bulk',
  description: 'dispatching in batches of 1,000, one after the other, nobody working',
  sides: [
    side(ours, 'tasking'),
    side(oursWithTwo, 'tasking', { each: 2, of: 10_000 }),
    side(graphile, 'graphile-worker'),
    side(boss, 'pg-boss'),
    onRedis(side(bullMq, 'bullmq')),
  ],
  // Against each peer is against the faster one.
  goals: [
    throughputGoal(ours, graphile, 1.2),
    throughputGoal(ours, boss, 1.2),
    throughputGoal(oursWithTwo, ours, 0.5),
  ],
}

function side(name: string, systemName: SystemName, choice: Choice = noResources): SideDefinition {
  return freshSide(name, async (stage) => {
    const system = await loadSystem(systemName)
    await using database = await benchDatabase(stage, (url) => system.install(url, {}))
    await using caller = await spawnCaller({ system: systemName, url: database.url, callers: 1 })
    const count = stage.scaled(fullBatches, 2) * 1_000
    const [first = [], ...batches] = inBatches(plainTasks(count + 1_000, choice))
    await caller.call('dispatchBatches', [first])
    await database.settle()
    return await database.measure([caller], async () => {
      await caller.call('dispatchBatches', batches)
      return { tasks: count }
    })
  })
}
