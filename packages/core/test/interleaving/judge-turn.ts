import { nextState } from '../../src/index.ts'
import type { Completion, TaskId, Turn, TurnResult } from '../../src/index.ts'
import { agree, fail } from './agree.ts'
import type { Row, View } from './books.ts'
import { Refused } from './engine.ts'
import { expectRefusal } from './judge-dispatch.ts'
import type { Circumstances } from './judge-dispatch.ts'

/** Does a turn as the model would, and compares what the store says of it. */
export function judgeTurn(
  view: View,
  turn: Turn,
  answer: TurnResult | Refused,
  { waited, maybeLocked }: Circumstances,
): void {
  const { workerId, completions, known } = turn
  if (!view.workers.includes(workerId) || view.isExpired(workerId)) {
    return expectRefusal(answer, 'worker_missing')
  }
  if (answer instanceof Refused) fail(`it should not be refused: ${answer.message}`)
  // While it waited a transaction may have ended; and what a waiting one holds nobody knows.
  const passedOver = (id: TaskId) =>
    answer.unsettled.includes(id) && (waited || view.isDoubtful(id) || maybeLocked.has(id))
  const outcomes = completions.map((one) => [one.id, end(view, turn, one, passedOver)] as const)
  const those = (outcome: string) =>
    outcomes.flatMap(([id, found]) => (found === outcome ? [id] : [])).toSorted()
  agree(answer.refused.toSorted(), those('refused'), 'refused')
  agree(answer.unsettled.toSorted(), those('unsettled'), 'unsettled')

  const unknown =
    known === undefined ? [] : view.ownedBy(workerId).filter(({ id }) => !known.includes(id))
  // What was claimed for it while it waited comes with the next one.
  const forgotten = unknown.filter(
    (row) => !waited || answer.claimed.some(({ id }) => id === row.id),
  )
  const claims = answer.claimed.slice(forgotten.length)
  agree(ids(answer.claimed.slice(0, forgotten.length)), ids(forgotten), 'handed over again')
  // A row that was waited for is locked, even if it has left meanwhile.
  if (waited) for (const { id } of view.rows) if (known?.includes(id) === false) view.doubt(id)
  const slots = Math.max(0, turn.slots - forgotten.length)
  const rows = claims.map(({ id }) => claimable(view, id))
  if (rows.length > slots) fail(`claimed ${rows.length} into ${slots} slots`)
  agree(
    claims.map(({ id }) => id),
    rows.toSorted(byRank).map(({ id }) => id),
    'the order of the claims',
  )
  if (!waited) expectNobodyPassedOver(view, rows, slots, maybeLocked)

  for (const { id, fencingToken } of answer.claimed) {
    const row = view.get(id)
    if (row === undefined) fail(`claimed ${id}, which nobody knows`)
    if (fencingToken <= (row.token ?? 0n)) fail(`token ${fencingToken} after ${row.token}`)
    const state = row.state === 'waiting' ? 'running' : row.state
    view.write({ ...row, state, workerId, token: fencingToken })
  }
  const canceling = view.ownedBy(workerId).filter(({ state }) => state === 'canceling')
  agree(ids(answer.canceling), ids(canceling), 'canceling')
}

function end(
  view: View,
  { workerId }: Turn,
  { id, fencingToken, inTransaction, state }: Completion,
  passedOver: (id: TaskId) => boolean,
): 'refused' | 'unsettled' | 'stored' {
  const row = view.get(id)
  if (passedOver(id)) return 'unsettled'
  if (row?.workerId !== workerId) return 'refused'
  const isHeld = view.isLocked(id)
  // Its row is locked, whatever it says.
  if (!isHeld) view.write(row)
  if (row.token !== fencingToken) return 'refused'
  const next = nextState(row.state, state === 'completed' ? 'complete' : 'fail')
  if (isHeld) return inTransaction || next !== undefined ? 'unsettled' : 'refused'
  if (next !== undefined) view.write({ ...row, state: next })
  return next !== undefined || (inTransaction && row.state === 'completed') ? 'stored' : 'refused'
}

function claimable(view: View, id: TaskId): Row {
  const row = view.get(id)
  if (row?.state !== 'waiting') fail(`claimed ${id}, which is ${row?.state}`)
  if (view.isLocked(id)) fail(`claimed ${id}, which another transaction has changed`)
  return row
}

/**
 * By priority and place, the claims are the first of those that the store had unblocked before. Where
 * somebody holds others, that is so among those of one name; and still no slot stays free.
 */
function expectNobodyPassedOver(
  view: View,
  claims: readonly Row[],
  slots: number,
  maybeLocked: ReadonlySet<TaskId>,
): void {
  const rest = view.incomplete.filter(
    (row) => row.state === 'waiting' && row.unblocked && !claims.includes(row),
  )
  const isHeld = ({ id }: Row) => view.isLocked(id) || maybeLocked.has(id)
  const someAreHeld = rest.some(isHeld)
  for (const row of rest) {
    if (isHeld(row)) continue
    const worst = claims.findLast(({ name }) => !someAreHeld || name === row.name)
    if (claims.length < slots || (worst !== undefined && byRank(row, worst) < 0)) {
      fail(`${row.id} was free to be claimed and was passed over`)
    }
  }
}

function byRank(a: Row, b: Row): number {
  if (a.priority !== b.priority) return b.priority - a.priority
  const seen = a.stored !== undefined && b.stored !== undefined
  const [first, second] = seen ? [a.stored, b.stored] : [a.position, b.position]
  return first < second ? -1 : 1
}

function ids(list: readonly { readonly id: TaskId }[]): TaskId[] {
  return list.map(({ id }) => id).toSorted()
}
