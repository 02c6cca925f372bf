import { Dispatchers } from '../processes/dispatchers.ts'
import type { ResourcePattern } from '../resource-pattern.ts'
import type { Scenario, SideDefinition } from '../scenario.ts'
import { sharedSide } from './shared-side.ts'

const none = 'no resource'
const hot = 'all share one'

export const hotResource: Scenario = {
  name: 'hot-resource',
  description: 'dispatching from 16 processes, one by one, whose tasks all share one resource',
  sides: [
    side(none, { kind: 'none' }),
    // What a reservation costs by itself, without any company.
    side('one of its own each', { kind: 'own' }),
    side(hot, { kind: 'same', mode: 'shared' }),
  ],
  goals: [
    {
      ...{ side: hot, against: none, what: 'throughput' },
      figure: ({ tasksPerSecond }) => tasksPerSecond,
      bound: { atLeast: 0.7 },
    },
  ],
}

function side(name: string, pattern: ResourcePattern): SideDefinition {
  return sharedSide(name, async (stage, database) => {
    const processes = stage.scaled(16, 3)
    await using dispatchers = await Dispatchers.start(database.url, processes)
    await dispatchers.dispatch({ tasks: 20, callers: 1, pattern })
    const each = stage.scaled(500, 10)
    return await database.measure(dispatchers.processes, async () => {
      const latenciesMs = await dispatchers.dispatch({ tasks: each, callers: 1, pattern })
      return { tasks: each * processes, latenciesMs }
    })
  })
}
