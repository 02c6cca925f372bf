import type { HousekeepingReport, Look, WorkerId } from '@tasking/core'
import type { Connection } from '../connection.ts'
import { look } from './look.ts'

interface HousekeepingDocument {
  readonly done: boolean
  readonly missing: readonly WorkerId[]
  readonly lost: number
  readonly unblocked: number
  readonly looks: readonly Look[]
}

/** One call of the SQL function `housekeep`, and the second look after its commit. */
export async function housekeep(
  connection: Connection,
  schema: string,
): Promise<HousekeepingReport> {
  const [row] = await connection.query(`select "${schema}".housekeep()`)
  const { done, missing, lost, unblocked, looks } = row?.[0] as HousekeepingDocument
  return {
    done,
    missingWorkers: missing,
    lostTasks: lost,
    unblocked: unblocked + (await look(connection, schema, looks)),
  }
}
