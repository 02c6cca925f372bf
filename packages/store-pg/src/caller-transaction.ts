import { sql } from 'drizzle-orm'
import type { SQLWrapper } from 'drizzle-orm'
import { InvalidOptionError } from '@tasking/core'
import type { Connection, Param } from './connection.ts'
import { nodePostgresConnection } from './node-postgres.ts'
import type { NodePostgresHandle } from './node-postgres.ts'
import { postgresJsConnection } from './postgres-js.ts'
import type { PostgresJsHandle } from './postgres-js.ts'

/** A Drizzle transaction, on whichever driver. */
export interface DrizzleTransaction {
  // An SQLWrapper; named, it would ask those who don't use Drizzle for its types.
  execute(query: unknown): PromiseLike<unknown>
}

/** A transaction of the caller's own: Drizzle's, postgres.js's, or a node-postgres client in one. */
export type CallerTransaction = DrizzleTransaction | PostgresJsHandle | NodePostgresHandle

/**
 * Statements within the caller's transaction. They are not prepared by name, since it may go
 * through a pooler that the store knows nothing of.
 * @throws InvalidOptionError for anything else
 */
export function callerTransaction(handle: unknown, address: string): Connection {
  if (isHandle<PostgresJsHandle>(handle, 'unsafe')) {
    return postgresJsConnection(handle, address, false)
  }
  if (isHandle<DrizzleTransaction>(handle, 'execute')) return drizzleConnection(handle, address)
  if (isHandle<NodePostgresHandle>(handle, 'query')) {
    return nodePostgresConnection(handle, address, false)
  }
  throw new InvalidOptionError(
    'tx',
    typeof handle,
    'a transaction of Drizzle, postgres.js or node-postgres',
  )
}

function isHandle<Handle>(handle: unknown, method: keyof Handle & string): handle is Handle {
  if ((typeof handle !== 'object' && typeof handle !== 'function') || handle === null) return false
  return method in handle && typeof Reflect.get(handle, method) === 'function'
}

function drizzleConnection(handle: DrizzleTransaction, address: string): Connection {
  return {
    address,
    async query(text, params = []) {
      const answer = await handle.execute(withParams(text, params))
      // node-postgres gives an object with rows, postgres.js an array of them.
      const rows: unknown =
        typeof answer === 'object' && answer !== null && 'rows' in answer ? answer.rows : answer
      return (rows as object[]).map((row) => Object.values(row) as unknown[])
    },
  }
}

function withParams(text: string, params: readonly Param[]): SQLWrapper {
  const parts = text.split(/\$(\d+)/)
  return sql.join(
    parts.map((part, index) =>
      index % 2 === 0 ? sql.raw(part) : sql`${params[Number(part) - 1]}`,
    ),
  )
}
