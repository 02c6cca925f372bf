// The program of the threads and processes that run handlers.
import { isMainThread, Worker as Thread } from 'node:worker_threads'
import { childPort } from './child-port.ts'
import { ChildProgram } from './child-program.ts'
import { childScript } from './child-script.ts'
import { toTaskError } from './handler-end.ts'

const port = childPort()
process.on('uncaughtException', (error) => {
  void port.send({ kind: 'uncaught', error: toTaskError(error) }).then(() => process.exit(1))
})
if (isMainThread) {
  // Signals that reach all processes of a service are the worker's to act on.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined)
  process.on('disconnect', () => process.exit(1))
  // Windows can't hand the pipe over; there the broken channel has to do.
  if (process.platform !== 'win32') new Thread(childScript('orphan-watch')).unref()
}
const program = new ChildProgram(port, process.cwd())
port.onMessage((message) => void program.hear(message))
