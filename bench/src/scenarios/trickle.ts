import { setTimeout as sleep } from 'node:timers/promises'
import { benchDatabase } from '../bench-database.ts'
import type { BenchDatabase } from '../bench-database.ts'
import { Crew } from '../processes/crew.ts'
import { spawnCaller } from '../processes/spawn-caller.ts'
import type { Metered } from '../measure/meter.ts'
import type { Stage } from '../scenario.ts'
import { loadSystem } from '../systems/index.ts'
import type { SystemName } from '../systems/system.ts'

const warmUp = 10
// Longer than any worker looks around for more after a task.
const leastPauseMs = 10

/** Tasks that come one by one, from one process to an idle worker in another. */
export interface Trickle extends AsyncDisposable {
  readonly database: BenchDatabase
  readonly worker: Metered
  readonly processes: readonly Metered[]
  /**
   * So many tasks, each at a moment of its own after the last has finished.
   * @returns how long it took from each dispatch until its handler ran, in ms
   */
  run(tasks: number, longestPauseMs: number): Promise<number[]>
}

export async function openTrickle(
  stage: Stage,
  systemName: SystemName,
  listen: boolean,
): Promise<Trickle> {
  await using opened = new AsyncDisposableStack()
  const system = await loadSystem(systemName)
  const database = opened.use(await benchDatabase(stage, (url) => system.install(url, { listen })))
  const { url } = database
  const caller = opened.use(await spawnCaller({ system: systemName, url, callers: 1 }))
  const crew = opened.use(
    await Crew.open(1, {
      ...{ system: systemName, url, listen, load: 'trickle' },
      ...{ slots: 1, batched: false, records: true },
    }),
  )
  await crew.start()
  const beganNs: number[] = []
  const run = async (tasks: number, longestPauseMs: number) => {
    const first = beganNs.length
    while (beganNs.length < first + tasks) {
      await sleep(leastPauseMs + Math.random() * (longestPauseMs - leastPauseMs))
      const index = beganNs.length
      beganNs.push(await caller.call('dispatchOne', { index, resources: [] }))
      await crew.untilFinished(index + 1)
    }
    const runs = (await crew.runs()).filter(([index]) => index >= first)
    return runs.map(([index, startNs]) => (startNs - (beganNs[index] ?? 0)) / 1e6)
  }
  await run(warmUp, leastPauseMs)
  const [worker] = crew.processes
  if (worker === undefined) throw new Error('There is no worker.')
  const kept = opened.move()
  return {
    ...{ database, worker, processes: [caller, worker], run },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}
