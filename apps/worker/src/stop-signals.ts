import type { Logger } from 'pino'
import type { Duration } from '@tasking/core'
import type { Worker } from '@tasking/worker'

// npm passes on the Ctrl-C that the terminal has sent to its child already.
const echoMs = 100

/** The first signal stops the worker, the second one ends the process. */
export function stopOnSignals(worker: Worker, grace: Duration, logger: Logger): void {
  let first: { readonly signal: NodeJS.Signals; readonly at: number } | undefined
  const onSignal = (signal: NodeJS.Signals) => {
    const { running } = worker
    const at = performance.now()
    if (first === undefined) {
      first = { signal, at }
      const limit = signal === 'SIGINT' ? { abortAfter: grace } : {}
      const fields = { signal, running, ...limit }
      logger.info(fields, 'stopping: no new tasks, waiting for those that run')
      void worker.stop(limit)
    } else if (signal !== first.signal || at - first.at > echoMs) {
      logger.warn({ signal, running }, 'second signal: exiting at once')
      process.exit(1)
    }
  }
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT'] as const) process.on(signal, onSignal)
}
