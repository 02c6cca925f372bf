import { loadSystem } from '../systems/index.ts'
import type { PlainTask, SystemDispatcher, SystemName } from '../systems/system.ts'
import { serve } from './service.ts'

export interface CallerSetup {
  readonly system: SystemName
  readonly url: string
  /** How many dispatch at once. */
  readonly callers: number
}

export interface CallerApi {
  open(setup: CallerSetup): Promise<void>
  /** One by one, as fast as it gets. @returns how long each dispatch took, in ms */
  dispatch(tasks: readonly PlainTask[]): Promise<number[]>
  /** Each batch in a transaction, one after the other. @returns how long each took, in ms */
  dispatchBatches(batches: readonly (readonly PlainTask[])[]): Promise<number[]>
  /** @returns when it began, in nanoseconds of the monotonic clock that all processes share */
  dispatchOne(task: PlainTask): Promise<number>
}

let dispatcher: SystemDispatcher | undefined
let callers = 1

serve<CallerApi>({
  async open({ system, url, callers: atOnce }) {
    callers = atOnce
    // One for each of them, where the system would get along with ten for all.
    dispatcher = await (await loadSystem(system)).openDispatcher(url, Math.max(10, callers))
  },
  async dispatch(tasks) {
    const to = opened()
    const latenciesMs: number[] = []
    const left = tasks.values()
    const caller = async () => {
      for (const task of left) {
        const startedAt = performance.now()
        await to.dispatch(task)
        latenciesMs.push(performance.now() - startedAt)
      }
    }
    await Promise.all(Array.from({ length: callers }, caller))
    return latenciesMs
  },
  async dispatchBatches(batches) {
    const to = opened()
    const latenciesMs: number[] = []
    for (const batch of batches) {
      const startedAt = performance.now()
      await to.dispatchMany(batch)
      latenciesMs.push(performance.now() - startedAt)
    }
    return latenciesMs
  },
  async dispatchOne(task) {
    const beganNs = Number(process.hrtime.bigint())
    await opened().dispatch(task)
    return beganNs
  },
})

function opened(): SystemDispatcher {
  if (dispatcher === undefined) throw new Error('The caller is not open.')
  return dispatcher
}
