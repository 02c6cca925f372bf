import { createHash } from 'node:crypto'
import type { Connection, ConnectionPool, Param } from './connection.ts'

interface ArrayQuery {
  readonly text: string
  readonly values: unknown[]
  readonly rowMode: 'array'
  readonly name?: string
}

/** What the store uses of node-postgres: a client, perhaps within a transaction. */
export interface NodePostgresHandle {
  query(query: ArrayQuery): Promise<{ rows: unknown[][] }>
}

interface NodePostgresClient extends NodePostgresHandle {
  release(destroy?: boolean): void
  on(event: 'error', listener: () => void): unknown
  off(event: 'error', listener: () => void): unknown
}

/** A node-postgres pool (`new pg.Pool(…)`). */
export interface NodePostgresPool extends NodePostgresHandle {
  readonly options: {
    readonly connectionString?: string | undefined
    readonly host?: string | undefined
    readonly port?: number | undefined
    readonly database?: string | undefined
    readonly max?: number | undefined
  }
  readonly totalCount: number
  connect(): Promise<NodePostgresClient>
  end(): Promise<void>
}

/** Statements on a node-postgres client or pool. */
export function nodePostgresConnection(
  handle: NodePostgresHandle,
  address: string,
  prepare: boolean,
): Connection {
  return {
    address,
    async query(text, params: readonly Param[] = []) {
      const query: ArrayQuery = { text, values: [...params], rowMode: 'array' }
      const { rows } = await handle.query(prepare ? { ...query, name: statementName(text) } : query)
      return rows
    },
  }
}

/** A store's pool on a node-postgres pool, which stays the caller's to end. */
export function nodePostgresPool(pool: NodePostgresPool, prepare: boolean): ConnectionPool {
  const address = addressOf(pool)
  return {
    ...nodePostgresConnection(pool, address, prepare),
    prepares: prepare,
    size: pool.options.max ?? 10,
    async keep(run) {
      const client = await taken(pool)
      try {
        return await run(nodePostgresConnection(client, address, prepare))
      } finally {
        client.off('error', letGo)
        client.release()
      }
    },
    async transaction(run) {
      const client = await taken(pool)
      const connection = nodePostgresConnection(client, address, prepare)
      let broken = false
      try {
        await connection.query('begin')
        const value = await run(connection)
        await connection.query('commit')
        return value
      } catch (error) {
        await connection.query('rollback').catch(() => (broken = true))
        throw error
      } finally {
        client.off('error', letGo)
        client.release(broken)
      }
    },
    async backend() {
      const client = await taken(pool)
      try {
        const connection = nodePostgresConnection(client, address, false)
        const [row] = await connection.query('select pg_backend_pid()')
        const greeted = 'processID' in client ? Number(client.processID) : null
        return { greeted, answering: Number(row?.[0]) }
      } finally {
        client.off('error', letGo)
        client.release()
      }
    },
    async close() {},
  }
}

// A client that loses its connection while nobody listens would end the process; its next query
// tells of the loss all the same.
const letGo = () => undefined

async function taken(pool: NodePostgresPool): Promise<NodePostgresClient> {
  const client = await pool.connect()
  client.on('error', letGo)
  return client
}

const names = new Map<string, string>()

// The server keeps a prepared statement by name: the same text must have the same one.
function statementName(text: string): string {
  let name = names.get(text)
  if (name === undefined) {
    name = `tasking_${createHash('sha256').update(text).digest('hex').slice(0, 16)}`
    names.set(text, name)
  }
  return name
}

function addressOf({ options }: NodePostgresPool): string {
  const { connectionString, host, port, database } = options
  if (connectionString === undefined) {
    return `${host ?? 'localhost'}:${port ?? 5432}/${database ?? ''}`
  }
  const url = new URL(connectionString)
  return `${url.hostname}:${url.port || 5432}${url.pathname}`
}
