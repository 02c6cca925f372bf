import { setTimeout as sleep } from 'node:timers/promises'
import { percentile } from '@tasking/workload'
import type { Scenario, Stage } from '../scenario.ts'
import { freshSide } from './fresh-side.ts'
import { openTrickle } from './trickle.ts'

const sideName = 'one worker, polling'
const idleQueries = 'idle queries/s'
const afterNothing = 'p50 ms after 3 s of nothing'
const settlingMs = 3_000

export const pollingPickUp: Scenario = {
  name: 'polling-pick-up',
  description: 'pick-up by polling alone, and how often the worker asks while there is nothing',
  sides: [freshSide(sideName, measure)],
  goals: [
    {
      ...{ side: sideName, what: 'time, p50', figure: ({ p50Ms }) => p50Ms },
      bound: { atMost: 100 },
    },
    {
      ...{ side: sideName, what: idleQueries, figure: ({ extra }) => extra[idleQueries] },
      bound: { atMost: 5 },
    },
  ],
  rounds: 3,
}

async function measure(stage: Stage) {
  await using trickle = await openTrickle(stage, 'tasking', false)
  const idleSeconds = stage.scaled(60, 5)
  await sleep(settlingMs)
  const before = await trickle.worker.usage()
  await sleep(idleSeconds * 1_000)
  const after = await trickle.worker.usage()
  const lateMs: number[] = []
  for (let n = stage.scaled(30, 3); n > 0; n -= 1) {
    await sleep(settlingMs)
    lateMs.push(...(await trickle.run(1, 250)))
  }
  const tasks = stage.scaled(200, 20)
  return await trickle.database.measure(trickle.processes, async () => ({
    tasks,
    // A second at most after the last one: the worker asks more often for a while.
    latenciesMs: await trickle.run(tasks, 1_000),
    extra: {
      [idleQueries]: (after.roundTrips - before.roundTrips) / idleSeconds,
      [afterNothing]: percentile(lateMs, 0.5),
    },
  }))
}
