import type { Logger, LogMethod } from '@tasking/core'

export interface LogEntry {
  readonly level: string
  readonly fields: Readonly<Record<string, unknown>>
  readonly message: string | undefined
}

/** A logger that keeps what it is told, to wait on. */
export class LogBook {
  readonly entries: LogEntry[] = []
  readonly #waiting = new Set<() => void>()
  readonly logger = this.#logger({})

  /** Resolves with the first line of this message, of that task, be it there or to come. */
  next(message: string, taskId?: string): Promise<LogEntry> {
    return new Promise((resolve) => {
      const look = () => {
        const found = this.entries.find(
          (entry) =>
            entry.message === message &&
            (taskId === undefined || entry.fields['taskId'] === taskId),
        )
        if (found === undefined) return
        this.#waiting.delete(look)
        resolve(found)
      }
      this.#waiting.add(look)
      look()
    })
  }

  #logger(bound: object): Logger {
    const method =
      (level: string): LogMethod =>
      (first: object | string, second?: string) => {
        const [fields, message] = typeof first === 'string' ? [{}, first] : [first, second]
        this.entries.push({ level, fields: { ...bound, ...fields }, message })
        for (const look of this.#waiting) look()
      }
    return {
      debug: method('debug'),
      info: method('info'),
      warn: method('warn'),
      error: method('error'),
      child: (fields) => this.#logger({ ...bound, ...fields }),
    }
  }
}
