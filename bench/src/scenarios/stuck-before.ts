import type { BenchDatabase } from '../bench-database.ts'
import { fillBlocked, fillUnclaimable } from '../fill.ts'
import type { Figures } from '../measure/figures.ts'
import type { Scenario, SideDefinition } from '../scenario.ts'
import { measureThroughput } from './throughput.ts'
import { sharedSide } from './shared-side.ts'

const none = 'none before them'
const blocked = '100,000 blocked before them'
const unclaimable = '100,000 that no worker knows'
const throughput = {
  against: none,
  what: 'throughput',
  figure: ({ tasksPerSecond }: Figures) => tasksPerSecond,
  bound: { atLeast: 0.8 },
}

export const stuckBefore: Scenario = {
  name: 'stuck-before',
  description: 'throughput of tasks that can run, with others before them that cannot',
  sides: [
    side(none, async () => undefined),
    side(blocked, fillBlocked),
    side(unclaimable, fillUnclaimable),
  ],
  goals: [
    { side: blocked, ...throughput },
    { side: unclaimable, ...throughput },
  ],
}

function side(
  name: string,
  fill: (database: BenchDatabase, count: number) => Promise<void>,
): SideDefinition {
  return sharedSide(name, measureThroughput, (database, stage) =>
    fill(database, stage.scaled(100_000, 1_000)),
  )
}
