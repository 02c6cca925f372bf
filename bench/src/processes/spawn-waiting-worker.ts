import { spawnRemote } from './remote.ts'
import type { Remote } from './remote.ts'
import type { WaitingEvent, WaitingWorkerApi, WaitingWorkerSetup } from './waiting-worker.ts'

const script = new URL('./waiting-worker.ts', import.meta.url)

/** A process with a worker whose handlers end when they are told to. */
export interface WaitingWorker extends Remote<WaitingWorkerApi, WaitingEvent> {
  /** The next time that a handler comes to that, in nanoseconds of the monotonic clock. */
  next(what: WaitingEvent['what']): Promise<number>
}

export async function spawnWaitingWorker(setup: WaitingWorkerSetup): Promise<WaitingWorker> {
  const remote = spawnRemote<WaitingWorkerApi, WaitingEvent>(script)
  const waiting: { what: WaitingEvent['what']; resolve: (atNs: number) => void }[] = []
  remote.onEvent(({ what, atNs }) => {
    const index = waiting.findIndex((one) => one.what === what)
    for (const { resolve } of index < 0 ? [] : waiting.splice(index, 1)) resolve(atNs)
  })
  try {
    await remote.call('start', setup)
  } catch (error) {
    await remote[Symbol.asyncDispose]()
    throw error
  }
  const next = (what: WaitingEvent['what']) =>
    new Promise<number>((resolve) => waiting.push({ what, resolve }))
  return { ...remote, next }
}
