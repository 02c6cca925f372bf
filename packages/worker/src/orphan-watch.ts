// A thread in each process for handlers, which ends the process when its worker can't be relied on to
// do so: when that has died, or has not renewed its heartbeat for almost its TTL, as when it is
// paused. A thread of its own, because a handler may block the other one.
import { Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { systemClock } from '@tasking/core'

// Where the worker's `stdio` has the pipe.
const lifeline = new Socket({ fd: 4, readable: true, writable: false })
let renewed = new AbortController()

lifeline.on('error', endAll)
createInterface(lifeline)
  .on('line', (ms) => {
    renewed.abort()
    renewed = new AbortController()
    void endAfter(Number(ms), renewed.signal)
  })
  .on('close', endAll)

async function endAfter(ms: number, signal: AbortSignal): Promise<void> {
  await systemClock.sleep(ms, signal)
  if (!signal.aborted) endAll()
}

// With all that the handlers have started: the process leads a group of its own.
function endAll(): void {
  process.kill(-process.pid, 'SIGKILL')
}
