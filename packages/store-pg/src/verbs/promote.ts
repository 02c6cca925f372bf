import type { PromotionReport, TaskId } from '@tasking/core'
import type { Connection } from '../connection.ts'

const pieceTasks = 200
// Then a report is due, and the rest comes with the next call.
const mostTasks = 10_000

/** A place in the order in which tasks come due. */
interface Place {
  readonly time: string
  readonly id: TaskId
}

interface PromotionDocument {
  readonly promoted: number
  /** Of those, how many could be claimed at once, by queue. */
  readonly free: Readonly<Record<string, number>>
  /** Whether some were left because a dispatcher is in flight at their resources. */
  readonly held: boolean
  /** One that was left for long. */
  readonly leftOver: Place | null
  /** Where to go on, if this wasn't all. */
  readonly next: Place | null
}

export interface PromotionOutcome {
  readonly report: PromotionReport
  readonly free: ReadonlyMap<string, number>
}

const start: Place = { time: '-infinity', id: '00000000-0000-0000-0000-000000000000' }

/**
 * Calls of the SQL function `promote`, each a transaction, until nothing more is due or another
 * worker is at it.
 */
export async function promote(connection: Connection, schema: string): Promise<PromotionOutcome> {
  const free = new Map<string, number>()
  let promoted = 0
  let held = false
  async function piece(after: Place, leftOver: TaskId | null): Promise<PromotionDocument> {
    const [row] = await connection.query(
      `select "${schema}".promote($1::int, $2::text::timestamptz, $3::text::uuid, $4::text::uuid)`,
      [pieceTasks, after.time, after.id, leftOver],
    )
    const [document] = row as [PromotionDocument]
    promoted += document.promoted
    for (const [queue, tasks] of Object.entries(document.free)) {
      free.set(queue, (free.get(queue) ?? 0) + tasks)
    }
    return document
  }

  let after: Place | null = start
  let leftOver: Place | null = null
  // Whatever is left stays behind, so that it keeps nobody else from going on.
  while (after !== null && promoted < mostTasks) {
    const document: PromotionDocument = await piece(after, null)
    held ||= document.held
    leftOver ??= document.leftOver
    after = document.next
  }
  if (leftOver !== null) await piece({ ...start, time: leftOver.time }, leftOver.id)
  const [row] = await connection.query(`select "${schema}".next_due_ms()::float8`)
  const [nextDueMs] = row as [number | null]
  return { report: { promoted, nextDueMs: held ? 0 : nextDueMs }, free }
}
