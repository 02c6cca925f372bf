import { plainTasks } from '../plain-tasks.ts'
import type { Scenario, SideDefinition } from '../scenario.ts'
import { measureBacklog } from './backlog.ts'
import { freshSide } from './fresh-side.ts'
import { throughputGoal } from './throughput-goal.ts'

const resources = 10_000
const counts = [0, 1, 2, 4, 8] as const
const fullSize = 20_000

export const drainResources: Scenario = {
  name: 'drain-resources',
  description: `tasks that do nothing and reserve some of ${resources} resources each, worked off by one process`,
  sides: counts.map(side),
  goals: [throughputGoal(nameOf(2), nameOf(0), 0.5)],
}

function side(each: number): SideDefinition {
  return freshSide(nameOf(each), (stage) =>
    measureBacklog(stage, {
      ...{ system: 'tasking', slots: 500, processes: 1 },
      tasks: plainTasks(stage.scaled(fullSize, 200), { each, of: resources }),
    }),
  )
}

function nameOf(each: number): string {
  return each === 0 ? 'no resources' : each === 1 ? '1 resource' : `${each} resources`
}
