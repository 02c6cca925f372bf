import { fillFinished } from '../fill.ts'
import type { Scenario, SideDefinition } from '../scenario.ts'
import { measureThroughput } from './throughput.ts'
import { sharedSide } from './shared-side.ts'

const none = 'none'
const finished = '5 million finished'

export const finishedBefore: Scenario = {
  name: 'finished-before',
  description: 'dispatch, claim and finish with millions of finished tasks in the table',
  sides: [side(none, 0), side(finished, 5_000_000)],
  goals: [
    {
      ...{ side: finished, against: none, what: 'CPU of PostgreSQL' },
      figure: ({ postgresCpu }) => postgresCpu,
      bound: { atMost: 1.2 },
    },
  ],
}

function side(name: string, count: number): SideDefinition {
  return sharedSide(name, measureThroughput, async (database, stage) => {
    if (count > 0) await fillFinished(database, stage.scaled(count, 10_000))
  })
}
