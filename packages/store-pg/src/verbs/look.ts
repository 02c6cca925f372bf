import type { Clock, Look } from '@tasking/core'
import type { Connection } from '../connection.ts'

const mostLooks = 5
// A look can settle a few dozen lines; of thousands, as after a mass loss, the sweep takes care.
const mostLines = 500

/** Where a verb acts. */
export interface Place {
  readonly connection: Connection
  readonly schema: string
  readonly clock: Clock
}

/**
 * Looks again at what a cancel or housekeeping released, after its commit, and a few times more
 * while a dispatcher is in flight there. What stays open after that is the sweep's.
 * @returns how many tasks that unblocked
 */
export async function look(
  { connection, schema, clock }: Place,
  looks: readonly Look[],
): Promise<number> {
  let due = looks
  let unblocked = 0
  for (let attempt = 0; isWorthIt(due) && attempt < mostLooks; attempt += 1) {
    if (attempt > 0) await clock.sleep(5 * 2 ** attempt)
    const text = `select cardinality(freed), looks
                    from "${schema}".release(null, null, null, $1::text::jsonb)`
    // What was asked for is done already: an error here must not make it look as if it were not.
    const rows = await connection.query(text, [JSON.stringify(due)]).catch(() => undefined)
    if (rows === undefined) break
    const [count, rest] = rows[0] as [number, readonly Look[]]
    unblocked += count
    due = rest
  }
  return unblocked
}

// Each line is looked at once, however often it was released.
function isWorthIt(looks: readonly Look[]): boolean {
  return looks.length > 0 && new Set(looks.map(({ resource }) => resource)).size <= mostLines
}
