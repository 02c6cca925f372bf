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

/** Calls of the SQL function `housekeep`, each with the second look after its commit. */
export async function housekeep(place: Place, sweep: boolean): Promise<HousekeepingReport> {
  // A sweep may take long, and would keep the rows of missing workers, which others may wait for.
  const losses = await round(place, false)
  if (!sweep || !losses.done) return losses
  const swept = await round(place, true)
  return {
    done: swept.done,
    missingWorkers: [...losses.missingWorkers, ...swept.missingWorkers],
    lostTasks: losses.lostTasks + swept.lostTasks,
    unblocked: losses.unblocked + swept.unblocked,
    nextDueMs: swept.nextDueMs,
  }
}

async function round(place: Place, sweep: boolean): Promise<HousekeepingReport> {
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
