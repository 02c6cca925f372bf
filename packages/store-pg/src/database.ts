import { systemClock } from '@tasking/core'
import type { Clock, SignalSource } from '@tasking/core'
import { checkSchemaName, checkUrl } from './arguments.ts'
import type { ConnectionPool } from './connection.ts'
import { checkCommits, checkIsolation, isPooled } from './driver-check.ts'
import { translated } from './errors.ts'
import { instrumented } from './instrument.ts'
import type { Repeatable } from './instrument.ts'
import { Listener } from './listener.ts'
import { checkSchema, migrateSchema } from './migrations.ts'
import { Notifier } from './notifier.ts'
import type { PgStoreOptions } from './options.ts'
import { controlPoolOf, poolOf } from './pools.ts'
import { defaultSchema, tablesIn } from './schema.ts'
import type { Tables } from './schema.ts'
import type { Place } from './verbs/look.ts'

interface Opened {
  readonly pool: ConnectionPool
  /** For what keeps a worker alive: a dispatch that waits for a lock must not hold that up. */
  readonly control: ConnectionPool
  readonly notifier: Notifier
}

/**
 * The database of a store, and how its verbs get at it. Its invariants:
 * - Nothing is connected before the first verb, and none gets through before it is known that the
 *   connection and the schema can be used safely.
 * - An opening that failed is forgotten, so that the next verb tries again.
 * - Once closed, it stays so.
 */
export class Database {
  readonly schema: string
  readonly clock: Clock
  readonly tables: Tables
  readonly #options: PgStoreOptions
  #opening: Promise<Opened> | undefined
  #listener: Listener | undefined
  #closed = false

  /** @throws InvalidOptionError */
  constructor(options: PgStoreOptions) {
    const schema = options.schema ?? defaultSchema
    checkSchemaName(schema)
    if ('url' in options) checkUrl(options.url)
    if (typeof options.listen === 'string') checkUrl(options.listen, 'listen')
    this.#options = options
    this.schema = schema
    this.clock = options.clock ?? systemClock
    this.tables = tablesIn(schema)
  }

  /** Known once it is open. */
  get signals(): SignalSource | undefined {
    return this.#listener
  }

  open(): Promise<Opened> {
    if (this.#closed) return Promise.reject(new Error('The store is closed.'))
    this.#opening ??= this.#connect().catch((error: unknown) => {
      this.#opening = undefined
      throw error
    })
    return this.#opening
  }

  /** Runs a verb's statements, repeated where that does no harm, and reports on it. */
  verb<T>(
    verb: string,
    pool: ConnectionPool,
    run: () => Promise<T>,
    repeatable: Repeatable = 'lost answer',
  ): Promise<T> {
    const { onVerb } = this.#options
    const instrument = {
      ...{ onVerb, address: pool.address, schema: this.schema, clock: this.clock },
    }
    return instrumented(instrument, verb, run, repeatable)
  }

  place(connection: ConnectionPool): Place {
    return { connection, schema: this.schema, clock: this.clock }
  }

  async close(): Promise<void> {
    this.#closed = true
    const opened = await this.#opening?.catch(() => undefined)
    await this.#listener?.close()
    await opened?.notifier.flush()
    await Promise.all([opened?.pool.close(), opened?.control.close()])
  }

  async #connect(): Promise<Opened> {
    const pool = await poolOf(this.#options, this.schema, this.clock)
    try {
      const pooled = await isPooled(pool, this.clock)
      if (pooled) await checkCommits(pool)
      await checkIsolation(pool)
      if (this.#options.migrate) await migrateSchema(pool, this.schema)
      await checkSchema(pool, this.schema)
      const listenUrl = this.#listenUrl(pooled)
      const channel = `${this.schema}_signals`
      if (listenUrl !== undefined) this.#listener ??= new Listener(listenUrl, channel, this.clock)
      const control = controlPoolOf(this.#options, pool)
      return { pool, control, notifier: new Notifier(control, channel, this.clock) }
    } catch (error) {
      await pool.close().catch(() => undefined)
      throw translated(error, { address: pool.address, schema: this.schema })
    }
  }

  #listenUrl(pooled: boolean): string | undefined {
    const { listen } = this.#options
    if (listen === false) return undefined
    if (listen !== undefined) return listen
    return 'url' in this.#options && !pooled ? this.#options.url : undefined
  }
}
