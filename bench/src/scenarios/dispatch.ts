import { benchDatabase } from '../bench-database.ts'
import { noResources, plainTasks } from '../plain-tasks.ts'
import type { Choice } from '../plain-tasks.ts'
import { spawnCaller } from '../processes/spawn-caller.ts'
import type { Scenario, SideDefinition } from '../scenario.ts'
import { loadSystem } from '../systems/index.ts'
import type { SystemName } from '../systems/system.ts'
import { freshSide, onRedis } from './fresh-side.ts'
import { throughputGoal } from './throughput-goal.ts'

const ours = 'tasking'
const oursWithTwo = 'tasking, 2 resources'
const graphile = 'graphile, addJob'
const graphileWithQueue = 'graphile, addJob to a queue'
const boss = 'pg-boss, send'
const bullMq = 'BullMQ on Redis, add'
const fullSize = 4_000
const resources = 10_000
const warmUp = 50

export const dispatch = scenario('dispatch', 1)
export const dispatchBySixteen = scenario('dispatch-16', 16)

function scenario(name: string, callers: number): Scenario {
  const side = (sideName: string, system: SystemName, choice?: Choice) =>
    dispatchSide(sideName, system, callers, choice)
  return {
    name,
    description: `dispatching one by one, ${callers === 1 ? 'one caller' : `${callers} callers of one process`}, nobody working`,
    sides: [
      side(oursWithTwo, 'tasking', { each: 2, of: resources }),
      side(ours, 'tasking'),
      side(graphileWithQueue, 'graphile-worker', { each: 1, of: resources }),
      side(graphile, 'graphile-worker'),
      side(boss, 'pg-boss'),
      onRedis(side(bullMq, 'bullmq')),
    ],
    plotted: [
      { what: 'tasks per second', figure: ({ tasksPerSecond }) => tasksPerSecond },
      { what: 'ms, p50', figure: ({ p50Ms }) => p50Ms },
      { what: 'ms, p99', figure: ({ p99Ms }) => p99Ms },
    ],
    goals: [throughputGoal(oursWithTwo, graphileWithQueue, 2)],
  }
}

function dispatchSide(
  name: string,
  systemName: SystemName,
  callers: number,
  choice: Choice = noResources,
): SideDefinition {
  return freshSide(name, async (stage) => {
    const system = await loadSystem(systemName)
    await using database = await benchDatabase(stage, (url) => system.install(url, {}))
    await using caller = await spawnCaller({ system: systemName, url: database.url, callers })
    const count = stage.scaled(fullSize, 100)
    const tasks = plainTasks(warmUp + count, choice)
    await caller.call('dispatch', tasks.slice(0, warmUp))
    await database.settle()
    return await database.measure([caller], async () => {
      const latenciesMs = await caller.call('dispatch', tasks.slice(warmUp))
      return { tasks: count, latenciesMs }
    })
  })
}
