import type { HousekeepingReport, Look, WorkerId } from '@tasking/core'
import { look } from './look.ts'
import type { Place } from './look.ts'

interface HousekeepingDocument {
  readonly done: boolean
  readonly missing: readonly WorkerId[]
  readonly lost: number
  readonly unblocked: number
  readonly looks: readonly Look[]
  readonly nextDueMs: number | null
}

/** One call of the SQL function `housekeep`, and the second look after its commit. */
export async function housekeep(place: Place, sweep: boolean): Promise<HousekeepingReport> {
  const [row] = await place.connection.query(
    `select "${place.schema}".housekeep($1::text::boolean)`,
    [String(sweep)],
  )
  const [document] = row as [HousekeepingDocument]
  const { done, missing, lost, unblocked, looks, nextDueMs } = document
  return {
    done,
    missingWorkers: missing,
    lostTasks: lost,
    unblocked: unblocked + (await look(place, looks)),
    nextDueMs,
  }
}
