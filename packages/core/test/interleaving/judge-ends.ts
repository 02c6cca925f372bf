import { nextState } from '../../src/index.ts'
import type { OwnCompletion, TaskEvent, TaskId, TaskState, WorkerId } from '../../src/index.ts'
import { agree } from './agree.ts'
import type { Row, View } from './books.ts'
import type { Housekeeping } from './engine.ts'
import type { Circumstances } from './judge-dispatch.ts'

export function judgeCancel(view: View, id: TaskId, found: TaskState | null): void {
  const row = view.get(id)
  agree(found, row?.state ?? null, 'the state that the cancel found')
  // A row is locked also where there is nothing to cancel any more.
  if (row !== undefined) move(view, row, 'cancel')
}

export function judgeComplete(
  view: View,
  { id, workerId, fencingToken }: OwnCompletion,
  obstacle: 'lost' | 'canceling' | null,
  { waited }: Circumstances,
): void {
  const row = view.get(id)
  const owned = row?.workerId === workerId && row.token === fencingToken
  const state = owned ? row.state : undefined
  const wanted = state === 'running' ? null : state === 'canceling' ? 'canceling' : 'lost'
  agree(obstacle, wanted, 'what stood in the way')
  if (waited) view.doubt(id)
  if (row !== undefined && wanted !== 'lost') {
    view.write(wanted === null ? { ...row, state: 'completed' } : row)
  }
}

export function judgeUnregister(view: View, id: WorkerId, lost: number): void {
  view.removeWorker(id)
  agree(lost, lose(view, [id]), 'lost tasks')
}

export function judgeHousekeeping(view: View, answer: Housekeeping): void {
  const done = view.startHousekeeping()
  agree(answer.done, done, 'whether the housekeeping was done')
  if (!done) return
  const missing = view.workers.filter((id) => view.isExpired(id) && !view.isBeingRemoved(id))
  agree(answer.missing.toSorted(), missing.toSorted(), 'missing workers')
  for (const id of missing) view.removeWorker(id)
  const registered = view.workers
  const unknown = view.incomplete.flatMap(({ workerId }) =>
    workerId !== null && !registered.includes(workerId) ? [workerId] : [],
  )
  agree(answer.lost, lose(view, [...new Set(unknown)]), 'lost tasks')
}

/** Ends what these workers hold, but for rows that somebody has locked. */
function lose(view: View, workers: readonly WorkerId[]): number {
  const rows = workers.flatMap((id) => view.ownedBy(id)).filter(({ id }) => !view.isLocked(id))
  for (const row of rows) move(view, { ...row, tokenRenewed: true }, 'lose')
  return rows.length
}

function move(view: View, row: Row, event: TaskEvent): void {
  view.write({ ...row, state: nextState(row.state, event) ?? row.state })
}
