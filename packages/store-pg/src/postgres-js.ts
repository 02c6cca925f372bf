import { setImmediate as nextTurn } from 'node:timers/promises'
import type postgres from 'postgres'
import type { Connection, ConnectionPool, Param } from './connection.ts'

/** What the store uses of postgres.js: a client, or a transaction of one. */
export interface PostgresJsHandle {
  unsafe(
    text: string,
    params?: postgres.ParameterOrJSON<never>[],
    options?: postgres.UnsafeQueryOptions,
  ): postgres.PendingQuery<postgres.Row[]>
}

/** A postgres.js client (`postgres(url)`). */
export interface PostgresJsClient extends PostgresJsHandle {
  readonly options: {
    readonly host: string[]
    readonly port: number[]
    readonly database: string
    readonly prepare: boolean
    readonly max: number
  }
  begin(run: (transaction: PostgresJsHandle) => Promise<unknown>): Promise<unknown>
  end(options?: { timeout?: number }): Promise<void>
}

/** Statements on a postgres.js client or transaction. */
export function postgresJsConnection(
  handle: PostgresJsHandle,
  address: string,
  prepare: boolean,
): Connection {
  return {
    address,
    query: (text, params) => send(handle, text, params, prepare),
  }
}

/** A store's pool on a postgres.js client. */
export function postgresJsPool(client: PostgresJsClient, owned: boolean): ConnectionPool {
  const { host, port, database, prepare, max } = client.options
  const address = `${host[0]}:${port[0]}/${database}`
  return {
    address,
    prepares: prepare,
    size: max,
    query: (text, params) => send(client, text, params, prepare),
    async transaction(run) {
      let outcome: { readonly value: Awaited<ReturnType<typeof run>> } | undefined
      let isLost = false
      const begun = client.begin(async (transaction) => {
        const connection = postgresJsConnection(transaction, address, prepare)
        const query: Connection['query'] = (text, params) =>
          isLost ? never() : connection.query(text, params)
        try {
          outcome = { value: await run({ address, query }) }
        } catch (error) {
          // Whether the connection is lost is known a moment later.
          await nextTurn()
          if (isLost) return never()
          throw error
        }
      })
      begun.catch(() => (isLost = true))
      await begun
      if (outcome === undefined) throw new Error('The transaction ended before its work.')
      return outcome.value
    },
    async backend() {
      const answer = await client.unsafe('select pg_backend_pid()').values()
      return { greeted: answer.state.pid, answering: Number(answer[0]?.[0]) }
    },
    async close() {
      if (owned) await client.end({ timeout: 5 })
    },
  }
}

// On a lost connection postgres.js 3.4 would send the next statement, be it only its own rollback,
// to where no socket is, and end the process. Its `begin` has rejected by then: nobody waits for this.
function never(): Promise<never> {
  return new Promise(() => undefined)
}

async function send(
  handle: PostgresJsHandle,
  text: string,
  params: readonly Param[] = [],
  prepare: boolean,
): Promise<unknown[][]> {
  const rows = await handle.unsafe(text, [...params], { prepare }).values()
  return [...rows]
}
