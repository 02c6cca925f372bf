import { randomInt } from 'node:crypto'

import getPort from 'get-port'

/**
 * A port of 127.0.0.1 that is free now, for a server that is to listen there.
 *
 * Not one of those that systems give to outgoing connections: one could take it before the server is
 * there, and while the server is down, a client that keeps connecting to such a port can end up
 * connected to itself, and hold the port.
 */
export function freePort(): Promise<number> {
  const candidates = Array.from({ length: 20 }, () => randomInt(18_000, 32_000))
  return getPort({ host: '127.0.0.1', port: candidates })
}
