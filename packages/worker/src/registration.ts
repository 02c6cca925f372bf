import { StoreUnavailableError } from '@tasking/core'
import type { AnyTaskDefinition, WorkerId } from '@tasking/core'
import type { Heartbeat } from './heartbeat.ts'
import type { WorkerSettings } from './options.ts'

const longestRetryMs = 10_000

/**
 * Makes a worker known to the store, and its heart beat. While the store can't be reached it goes on
 * trying.
 * @param stop aborts when the worker is to stop before that
 * @returns whether it is registered now; false where it was stopped before the store could be reached
 */
export async function register(
  id: WorkerId,
  settings: WorkerSettings,
  heartbeat: Heartbeat,
  stop: AbortSignal,
): Promise<boolean> {
  const { tasking, name, version, versions, ttlMs, queues, clock, logger } = settings
  const { concurrency, auxiliary } = settings
  const runnable = runnableOf(settings)
  const taskNames = runnable.map((definition) => definition.name)
  const cleansUp = runnable.filter((one) => one.cleanUp).map((definition) => definition.name)
  let pauseMs = 100
  let tried = false
  while (!stop.aborted) {
    try {
      await tasking.store.check()
      tried = true
      await tasking.store.registerWorker({
        ...{ id, name, version, versions, ttlMs, concurrency, auxiliary, queues, taskNames },
        ...(cleansUp.length > 0 && { cleansUp }),
      })
      await heartbeat.start()
      return true
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error
      logger.warn({ err: error, retryInMs: pauseMs }, error.message)
      settings.onEvent({ kind: 'unavailable', error })
    }
    await clock.sleep(pauseMs * (0.5 + clock.random()), stop)
    pauseMs = Math.min(pauseMs * 2, longestRetryMs)
  }
  // It may have got through although its answer, or the first beat, did not.
  if (tried) await tasking.store.unregisterWorker(id).catch(() => undefined)
  return false
}

/** Those that it can run. Without a key, encrypted tasks are left to others. */
function runnableOf({ tasking, concurrency, logger }: WorkerSettings): AnyTaskDefinition[] {
  if (concurrency === 0) return []
  const all = [...tasking.definitions.values()]
  const unreadable = all.filter((definition) => !tasking.canRun(definition))
  if (unreadable.length > 0) {
    const tasks = unreadable.map(({ name }) => name)
    logger.warn({ tasks }, 'there is no encryption key: encrypted tasks are left to other workers')
  }
  return all.filter((definition) => tasking.canRun(definition))
}
