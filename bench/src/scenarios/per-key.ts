import { findOverlaps } from '@tasking/workload'
import type { Figures } from '../measure/figures.ts'
import { tasksByTurns } from '../plain-tasks.ts'
import type { RunNote } from '../processes/crew-member.ts'
import type { Goal, Scenario, SideDefinition } from '../scenario.ts'
import type { PlainTask } from '../systems/system.ts'
import { measureBacklog } from './backlog.ts'
import type { Backlog } from './backlog.ts'
import { freshSide } from './fresh-side.ts'
import { throughputGoal } from './throughput-goal.ts'

const ours = 'tasking, an exclusive resource'
const graphile = 'graphile, named queues, batched'
const graphileUnbatched = 'graphile, named queues, unbatched'
const boss = 'pg-boss, key_strict_fifo'
const keys = 128
const processes = 2
const fullSize = 20_000

export const perKey: Scenario = {
  name: 'per-key',
  description: `tasks over ${keys} keys, one at a time and in order within each, worked off by ${processes} processes`,
  sides: [
    side(ours, fullSize, { system: 'tasking', slots: 128, processes }),
    side(graphile, fullSize / 4, {
      ...{ system: 'graphile-worker', slots: 24, processes, batched: true },
    }),
    side(graphileUnbatched, fullSize / 4, { system: 'graphile-worker', slots: 24, processes }),
    side(boss, fullSize, { system: 'pg-boss', slots: 1, processes, batched: true }),
  ],
  goals: [
    throughputGoal(ours, graphile, 4),
    throughputGoal(ours, graphileUnbatched, 4),
    throughputGoal(ours, boss, 1.2),
    faultless('overlaps', ({ extra }) => extra['overlaps']),
    faultless('tasks out of order', ({ extra }) => extra['out of order']),
  ],
}

function faultless(what: string, figure: (figures: Figures) => number | undefined): Goal {
  return { ...{ side: ours, what, figure }, bound: { atMost: 0 } }
}

function side(
  name: string,
  full: number,
  backlog: Omit<Backlog, 'tasks' | 'judge'>,
): SideDefinition {
  return freshSide(name, (stage) => {
    const tasks = tasksByTurns(stage.scaled(full, 512), keys)
    const judge = (runs: readonly RunNote[]) => faultsIn(tasks, runs)
    // One of each key at a time: within a batch, the peers promise no order.
    return measureBacklog(stage, { ...backlog, tasks, batchSize: keys, judge })
  })
}

/** How often two tasks of one key ran at once, or one before another that was dispatched earlier. */
export function faultsIn(tasks: readonly PlainTask[], runs: readonly RunNote[]) {
  const held = runs.map(([index, startNs, endNs]) => ({
    ...{ index, startNs: BigInt(startNs), endNs: BigInt(endNs) },
    resources: { exclusive: [...(tasks[index]?.resources ?? [])], shared: [] },
  }))
  const last = new Map<string, number>()
  let outOfOrder = 0
  for (const [index] of runs.toSorted(([, a], [, b]) => a - b)) {
    for (const key of tasks[index]?.resources ?? []) {
      if (index < (last.get(key) ?? -1)) outOfOrder += 1
      last.set(key, Math.max(index, last.get(key) ?? -1))
    }
  }
  return { overlaps: findOverlaps(held).length, 'out of order': outOfOrder }
}
