import { idealSchedule, judge, makeWorkload, wallClockMs } from '@tasking/workload'
import type { Outcome, Run, WorkItem } from '@tasking/workload'
import { benchDatabase } from '../bench-database.ts'
import type { BenchDatabase } from '../bench-database.ts'
import type { Figures } from '../measure/figures.ts'
import { plainTasks } from '../plain-tasks.ts'
import { Crew } from '../processes/crew.ts'
import type { RunNote } from '../processes/crew-member.ts'
import { spawnCaller } from '../processes/spawn-caller.ts'
import type { Scenario, SideDefinition, Stage } from '../scenario.ts'
import type { PlainTask } from '../systems/system.ts'
import { freshSide } from './fresh-side.ts'

const slotCounts = [1, 2, 4, 8, 16, 32, 64] as const
const mostProcesses = 4
const tasks = 256
const fullWorkMs = 100
const ofIdeal = 'makespan to ideal'

export const seed: Scenario = {
  name: 'seed',
  description: `${tasks} tasks with 2 of 128 resources each, dispatched at once to 1 to 64 idle slots`,
  rounds: 3,
  sides: slotCounts.map(side),
  plotted: ['makespan ms', ofIdeal, 'dispatch ms', 'pick-up p50 ms', 'pick-up p99 ms'].map(
    (what) => ({ what, figure: ({ extra }: Figures) => extra[what] }),
  ),
  goals: slotCounts.flatMap((slots) => [
    {
      ...{ side: nameOf(slots), what: 'makespan, of the ideal one', bound: { atMost: 1.03 } },
      figure: ({ extra }: Figures) => extra[ofIdeal],
    },
    {
      ...{ side: nameOf(slots), what: 'overlaps', bound: { atMost: 0 } },
      figure: ({ extra }: Figures) => extra['overlaps'],
    },
  ]),
}

function side(slots: number): SideDefinition {
  return freshSide(nameOf(slots), (stage) => measure(stage, slots))
}

function nameOf(slots: number): string {
  return slots === 1 ? '1 slot' : `${slots} slots`
}

async function measure(stage: Stage, slots: number) {
  const processes = Math.min(slots, mostProcesses)
  const slotsPerProcess = slots / processes
  const workMs = stage.scaled(fullWorkMs, 20)
  await using database = await benchDatabase(stage)
  const { url } = database
  await database.settle()
  await using caller = await spawnCaller({ system: 'tasking', url, callers: 1 })
  await using crew = await Crew.open(processes, {
    ...{ system: 'tasking', url, listen: true, load: 'trickle' },
    ...{ slots: slotsPerProcess, batched: false, records: true, workMs },
  })
  await crew.start()
  // So that each worker has its connections, and hears of the next ones.
  await caller.call('dispatchBatches', [plainTasks(slots).map(asWarmUp)])
  await crew.untilFinished(slots)
  const items = makeWorkload({
    ...{ tasks, resources: 128, resourcesPerTask: 2, sharedRatio: 0 },
    ...{ durationMs: workMs, seed: 1 },
  })
  const beganNs = process.hrtime.bigint()
  let dispatchMs = 0
  const sample = await database.measure([caller, ...crew.processes], async () => {
    const plain = items.map(({ index, resources }) => ({ index, resources: resources.exclusive }))
    const [took = 0] = await caller.call('dispatchBatches', [plain])
    dispatchMs = took
    await crew.untilFinished(slots + tasks)
    return { tasks }
  })
  const runs = (await crew.runsByProcess()).flatMap((notes, pid) => runsOf(notes, pid))
  const outcomes = await outcomesIn(database)
  const rest = { outcomes, deaths: new Map<number, bigint>(), beganNs, slotsPerProcess }
  const { overlaps, pickUp } = judge({ items, runs, ...rest })
  const { idealMs, makespanMs } = compare(items, runs, slots)
  return {
    ...sample,
    extra: {
      ...{ 'ideal ms': idealMs, 'makespan ms': makespanMs, [ofIdeal]: makespanMs / idealMs },
      ...{ 'dispatch ms': dispatchMs, 'pick-up p50 ms': pickUp.medianMs },
      ...{ 'pick-up p99 ms': pickUp.p99Ms, overlaps: overlaps.length },
    },
  }
}

function asWarmUp(task: PlainTask): PlainTask {
  return { ...task, index: tasks + task.index }
}

// A handler sleeps a little longer than it was told, which is no fault of the schedule.
function compare(items: readonly WorkItem[], runs: readonly Run[], slots: number) {
  const tookMs = new Map(runs.map((run) => [run.index, msBetween(run.startNs, run.endNs)]))
  const really = items.map((item) => ({
    ...item,
    durationMs: tookMs.get(item.index) ?? item.durationMs,
  }))
  const starts = runs.map(({ startNs }) => Number(startNs))
  const ends = runs.map(({ endNs }) => Number(endNs))
  return {
    idealMs: idealSchedule(really, slots).makespanMs,
    makespanMs: (Math.max(...ends) - Math.min(...starts)) / 1e6,
  }
}

function msBetween(startNs: bigint, endNs: bigint | undefined): number | undefined {
  return endNs === undefined ? undefined : Number(endNs - startNs) / 1e6
}

function runsOf(notes: readonly RunNote[], pid: number): Run[] {
  const wallAheadMs = wallClockMs() - Number(process.hrtime.bigint()) / 1e6
  return notes
    .filter(([index]) => index < tasks)
    .map(([index, startNs, endNs]) => ({
      ...{ index, pid, startNs: BigInt(startNs), endNs: BigInt(endNs) },
      startWallMs: startNs / 1e6 + wallAheadMs,
      endWallMs: endNs / 1e6 + wallAheadMs,
    }))
}

async function outcomesIn({ sql }: BenchDatabase): Promise<Outcome[]> {
  return sql<Outcome[]>`
    select (input ->> 'index')::int as index, state, null as reason,
           (extract(epoch from unblocked_at) * 1000)::float8 as "unblockedMs"
      from tasking.task where (input ->> 'index')::int < ${tasks}`
}
