// A program that starts a server and then ends in the way that its first argument says.
import { startPostgres } from '../src/index.ts'

const server = await startPostgres({ durable: false })
console.log(JSON.stringify({ pid: server.pid, port: server.port, logFile: server.logFile }))

const endings: Record<string, () => void> = {
  return: () => undefined,
  throw: () => {
    throw new Error('as asked')
  },
  stay: () => setInterval(() => undefined, 1000),
  stop: () => void server.stop(),
}
endings[process.argv[2] ?? 'return']?.()
