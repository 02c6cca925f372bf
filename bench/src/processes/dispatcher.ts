import { setTimeout as sleep } from 'node:timers/promises'
import { createTasking } from '@tasking/core'
import type { Tasking } from '@tasking/core'
import { pgStore } from '@tasking/store-pg'
import { benchTask } from '../bench-task.ts'
import { resourcesOf } from '../resource-pattern.ts'
import type { ResourcePattern } from '../resource-pattern.ts'
import { serve } from './service.ts'

export interface Load {
  readonly tasks: number
  /** How many dispatch at once. */
  readonly callers: number
  readonly pattern: ResourcePattern
}

export interface Offer {
  readonly perSecond: number
  readonly seconds: number
  readonly pattern: ResourcePattern
}

export interface DispatcherApi {
  open(setup: { readonly url: string }): Promise<void>
  /** Dispatches tasks one by one, as fast as it gets. @returns how long each dispatch took, in ms */
  dispatch(load: Load): Promise<number[]>
  /** Dispatches at an even rate. @returns how many it dispatched */
  offer(offer: Offer): Promise<number>
}

// A server that can't keep up must not be asked for ever more at once.
const mostInFlight = 100
const stepMs = 10

let tasking: Tasking | undefined

serve<DispatcherApi>({
  async open({ url }) {
    tasking = createTasking({ store: pgStore({ url, listen: false }), tasks: [benchTask] })
    await tasking.store.check()
  },
  async dispatch({ tasks, callers, pattern }) {
    const latenciesMs: number[] = []
    let left = tasks
    const caller = async () => {
      while (left > 0) {
        left -= 1
        const startedAt = performance.now()
        await dispatchOne(pattern)
        latenciesMs.push(performance.now() - startedAt)
      }
    }
    await Promise.all(Array.from({ length: callers }, caller))
    return latenciesMs
  },
  async offer({ perSecond, seconds, pattern }) {
    const startedAt = performance.now()
    const inFlight = new Set<Promise<void>>()
    let dispatched = 0
    for (;;) {
      const elapsed = (performance.now() - startedAt) / 1_000
      if (elapsed >= seconds) break
      for (const due = elapsed * perSecond; dispatched < due; dispatched += 1) {
        if (inFlight.size >= mostInFlight) await Promise.race(inFlight)
        const one = dispatchOne(pattern).finally(() => inFlight.delete(one))
        inFlight.add(one)
      }
      await sleep(stepMs)
    }
    await Promise.all(inFlight)
    return dispatched
  },
})

async function dispatchOne(pattern: ResourcePattern): Promise<void> {
  if (tasking === undefined) throw new Error('The dispatcher is not open.')
  await tasking.dispatch(benchTask, resourcesOf(pattern))
}
