import { TaskCanceledError, TaskLostError } from '@tasking/core'
import type { OwnCompletion } from '@tasking/core'
import type { Connection } from '../connection.ts'

/**
 * One call of the SQL function `complete`, within the handler's own transaction.
 * @throws TaskLostError, TaskCanceledError
 */
export async function complete(
  connection: Connection,
  schema: string,
  { id, workerId, fencingToken, result }: OwnCompletion,
): Promise<void> {
  const [row] = await connection.query(
    `select obstacle, reason from "${schema}".complete(
       $1::text::uuid, $2::text::uuid, $3::text::bigint, $4::text::jsonb
     )`,
    [id, workerId, fencingToken.toString(), JSON.stringify(result)],
  )
  const [obstacle, reason] = row as ['lost' | 'canceling' | null, string | null]
  if (obstacle === 'lost') throw new TaskLostError(id)
  if (obstacle === 'canceling') throw new TaskCanceledError(id, reason)
}
