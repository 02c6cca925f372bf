import { setTimeout as sleep } from 'node:timers/promises'
import { benchDatabase } from '../bench-database.ts'
import type { Sample } from '../measure/sample.ts'
import { inBatches } from '../plain-tasks.ts'
import { Crew } from '../processes/crew.ts'
import type { MemberSetup, RunNote } from '../processes/crew-member.ts'
import { spawnCaller } from '../processes/spawn-caller.ts'
import type { Stage } from '../scenario.ts'
import { loadSystem } from '../systems/index.ts'
import type { PlainTask, SystemName } from '../systems/system.ts'

/** Tasks that are all there before the first worker starts, and who works them off. */
export interface Backlog {
  readonly system: SystemName
  readonly processes: number
  readonly slots: number
  readonly batched?: boolean
  readonly tasks: readonly PlainTask[]
  /** How many are dispatched at once. */
  readonly batchSize?: number
  /** Judges what the handlers noted of themselves; without it they note nothing. */
  readonly judge?: (runs: readonly RunNote[]) => Record<string, number>
}

const lookEveryMs = 2

/** From the start of the workers until the end of the last task is in the store. */
export async function measureBacklog(stage: Stage, backlog: Backlog): Promise<Sample> {
  const { system: name, processes, slots, batched = false, tasks, batchSize, judge } = backlog
  const system = await loadSystem(name)
  const keyed = tasks.some(({ resources }) => resources.length > 0)
  // A fresh one each time, since some systems keep what is finished and others don't.
  await using database = await benchDatabase(stage, (url) => system.install(url, { keyed }))
  const { url, sql } = database
  {
    await using caller = await spawnCaller({ system: name, url, callers: 1 })
    await caller.call('dispatchBatches', inBatches(tasks, batchSize))
  }
  await database.settle()
  const setup: MemberSetup = {
    ...{ system: name, url, slots, batched, listen: true, load: 'backlog' },
    records: judge !== undefined,
  }
  await using crew = await Crew.open(processes, setup)
  const sample = await database.measure(crew.processes, async () => {
    await crew.start()
    await crew.untilFinished(tasks.length)
    while (system.isEmpty !== undefined && !(await system.isEmpty(sql))) await sleep(lookEveryMs)
    return { tasks: tasks.length }
  })
  return judge === undefined ? sample : { ...sample, extra: judge(await crew.runs()) }
}
