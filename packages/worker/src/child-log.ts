import type { Logger, LogMethod } from '@tasking/core'
import type { LogLevel, LogLine } from './child-message.ts'

/** A logger whose lines the worker writes. */
export function childLog(write: (line: LogLine) => void, bound: object = {}): Logger {
  const method =
    (level: LogLevel): LogMethod =>
    (first: object | string, second?: string) => {
      const [fields, message] = typeof first === 'string' ? [{}, first] : [first, second]
      write({ level, fields: { ...bound, ...sendable(fields) }, message })
    }
  return {
    debug: method('debug'),
    info: method('info'),
    warn: method('warn'),
    error: method('error'),
    child: (fields) => childLog(write, { ...bound, ...sendable(fields) }),
  }
}

function sendable(fields: object): object {
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, plain(value)]))
}

// A copy of an error loses its class and its code, and some values can't be copied at all.
function plain(value: unknown): unknown {
  if (value instanceof Error) {
    const { name, message, stack } = value
    return { type: name, message, stack, ...('code' in value && { code: String(value.code) }) }
  }
  try {
    return structuredClone(value)
  } catch {
    return String(value)
  }
}
