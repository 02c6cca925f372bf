import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { TaskingError } from '@tasking/core'
import type { Worker } from '@tasking/worker'

/**
 * Answers the probes of Kubernetes and its like. It shares the worker's event loop, so a blocked one
 * doesn't answer at all.
 * @returns the port
 * @throws TaskingError when the port can't be had
 */
export async function serveHealth(worker: Worker, port: number): Promise<number> {
  const server = createServer((request, response) => {
    const { phase, lastBeatMs, stuck, isReady } = worker.health
    const verdicts = new Map([
      ['/healthz', phase !== 'missing'],
      ['/readyz', isReady],
    ])
    const verdict = verdicts.get(request.url ?? '')
    const body = { phase, running: worker.running, stuck, lastBeatMs: Math.round(lastBeatMs) }
    response.statusCode = verdict === undefined ? 404 : verdict ? 200 : 503
    response.setHeader('content-type', 'application/json')
    response.end(verdict === undefined ? '' : `${JSON.stringify(body)}\n`)
  })
  // It is there for the worker's sake, and keeps nothing alive.
  server.unref()
  server.listen(port)
  try {
    await once(server, 'listening')
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new TaskingError(
      'health_port_taken',
      `Port ${port} can't be had for --health-port: ${why}`,
    )
  }
  return (server.address() as AddressInfo).port
}
