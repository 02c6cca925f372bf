import postgres from 'postgres'
import type { Clock, Signal, SignalSource } from '@tasking/core'

type Subscriber = {
  readonly onSignal: (signal: Signal) => void
  readonly onConnection: (connected: boolean) => void
}

const longestPauseMs = 10_000

/**
 * Receives signals with LISTEN, on one connection of its own that must be direct. A lost connection
 * is made again with back-off, for as long as somebody is subscribed; meanwhile polling does.
 */
export class Listener implements SignalSource {
  readonly #url: string
  readonly #channel: string
  readonly #clock: Clock
  readonly #subscribers = new Set<Subscriber>()
  #sql: postgres.Sql | undefined
  #pauseMs = 0
  #connected = false

  constructor(url: string, channel: string, clock: Clock) {
    this.#clock = clock
    this.#url = url
    this.#channel = channel
  }

  async subscribe(onSignal: Subscriber['onSignal'], onConnection: Subscriber['onConnection']) {
    const subscriber = { onSignal, onConnection }
    this.#subscribers.add(subscriber)
    if (this.#connected) onConnection(true)
    else if (this.#sql === undefined) await this.#listen()
    return async () => {
      this.#subscribers.delete(subscriber)
      if (this.#subscribers.size === 0) await this.close()
    }
  }

  async close(): Promise<void> {
    this.#subscribers.clear()
    const sql = this.#sql
    this.#sql = undefined
    this.#connected = false
    await sql?.end({ timeout: 1 })
  }

  async #listen(): Promise<void> {
    // postgres.js listens anew by itself, but only once: during an outage it would give up.
    const options: postgres.Options<Record<string, never>> & {
      onnotify(channel: string, payload: string): void
    } = {
      max: 1,
      idle_timeout: 0,
      max_lifetime: null,
      fetch_types: false,
      prepare: false,
      connect_timeout: 5,
      onnotify: (_channel, payload) => this.#receive(payload),
      onclose: () => void this.#relisten(sql),
      onnotice: () => undefined,
      connection: { application_name: 'tasking listener' },
    }
    const sql: postgres.Sql = postgres(this.#url, options)
    this.#sql = sql
    try {
      await sql.unsafe(`listen "${this.#channel}"`)
      this.#pauseMs = 0
      this.#tell(true)
    } catch {
      // Its connection's end has been told to onclose, or else there never was one.
      void this.#relisten(sql)
    }
  }

  async #relisten(lost: postgres.Sql): Promise<void> {
    if (this.#sql !== lost) return
    this.#sql = undefined
    this.#tell(false)
    await lost.end({ timeout: 0 }).catch(() => undefined)
    this.#pauseMs = Math.min(Math.max(this.#pauseMs * 2, 50), longestPauseMs)
    await this.#clock.sleep(this.#pauseMs * (0.5 + this.#clock.random()))
    if (this.#subscribers.size === 0 || this.#sql !== undefined) return
    await this.#listen()
  }

  #tell(connected: boolean): void {
    this.#connected = connected
    for (const { onConnection } of this.#subscribers) onConnection(connected)
  }

  #receive(payload: string): void {
    const signal = parseSignal(payload)
    if (signal === undefined) return
    for (const { onSignal } of this.#subscribers) onSignal(signal)
  }
}

// Anybody may notify on any channel: what isn't a signal is passed over.
function parseSignal(payload: string): Signal | undefined {
  try {
    const value: unknown = JSON.parse(payload)
    if (typeof value !== 'object' || value === null || !('kind' in value)) return undefined
    if (value.kind === 'wakeup' && 'queue' in value) {
      const tasks = 'tasks' in value && typeof value.tasks === 'number' ? value.tasks : undefined
      return {
        ...{ kind: 'wakeup', queue: typeof value.queue === 'string' ? value.queue : null },
        ...(tasks !== undefined && { tasks }),
      }
    }
    if (value.kind === 'cancel' && 'taskId' in value && typeof value.taskId === 'string') {
      return { kind: 'cancel', taskId: value.taskId }
    }
    if (value.kind === 'due' && 'inMs' in value && typeof value.inMs === 'number') {
      return { kind: 'due', inMs: value.inMs }
    }
  } catch {
    // Not JSON.
  }
  return undefined
}
