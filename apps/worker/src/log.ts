import { pino } from 'pino'
import type { Logger } from 'pino'
import { TaskingError } from '@tasking/core'

/** JSON lines on standard output. */
export function createLog(level: string, worker: string): Logger {
  return pino({
    level,
    base: { worker, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    serializers: { err: withoutNeedlessStack },
  })
}

// An expected error says all in its message; its stack would only bury that.
function withoutNeedlessStack(error: unknown): unknown {
  if (error instanceof TaskingError) {
    return { type: error.name, code: error.code, message: error.message }
  }
  return error instanceof Error ? pino.stdSerializers.err(error) : error
}
