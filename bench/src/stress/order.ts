import type { ReservationMode } from '@tasking/core'
import type { LedgerEntry } from './dispatch-ledger.ts'

/** A task that began before another one that stood before it in line. */
export interface OrderViolation {
  readonly resource: string
  readonly overtaken: number
  readonly overtaking: number
}

/** A task that ran, and a resource that it had reserved. */
interface Place {
  readonly mode: ReservationMode
  readonly entry: LedgerEntry
  readonly startNs: bigint
}

/**
 * Whoever was in the store before the dispatch of another one began goes first where the two
 * conflict; so does the earlier one of a batch. Who never began is left out: a task that was
 * canceled while it waited holds nobody up any more.
 * @param starts when the first run of each task began
 */
export function findOrderViolations(
  entries: readonly LedgerEntry[],
  starts: ReadonlyMap<number, bigint>,
): OrderViolation[] {
  const lines = new Map<string, Place[]>()
  for (const entry of entries) {
    const startNs = starts.get(entry.index)
    if (startNs === undefined) continue
    const { exclusive, shared } = entry.resources
    for (const name of exclusive) add(lines, name, { mode: 'exclusive', entry, startNs })
    for (const name of shared) add(lines, name, { mode: 'shared', entry, startNs })
  }
  return [...lines].flatMap(([resource, places]) => violationsIn(resource, places))
}

function add(lines: Map<string, Place[]>, name: string, place: Place): void {
  const line = lines.get(name)
  if (line === undefined) lines.set(name, [place])
  else line.push(place)
}

// From the last start back: of those that began later, only who was in the store first can show
// that this one has overtaken somebody, apart from its own batch.
function violationsIn(resource: string, places: readonly Place[]): OrderViolation[] {
  const violations: OrderViolation[] = []
  let firstKept: Place | undefined
  let firstKeptExclusive: Place | undefined
  const batches = new Map<string, Place[]>()
  for (const place of places.toSorted((a, b) => (a.startNs > b.startNs ? -1 : 1))) {
    const { entry, mode } = place
    const rival = mode === 'exclusive' ? firstKept : firstKeptExclusive
    const batch = batches.get(entry.dispatch) ?? []
    const sibling = batch.find(
      (other) =>
        other.entry.place < entry.place && (mode === 'exclusive' || other.mode === 'exclusive'),
    )
    const overtaken =
      sibling ?? (rival !== undefined && keptNs(rival) < entry.beganNs ? rival : undefined)
    if (overtaken !== undefined) {
      const pair = { overtaken: overtaken.entry.index, overtaking: entry.index }
      violations.push({ resource, ...pair })
    }
    batches.set(entry.dispatch, [...batch, place])
    firstKept = earlier(firstKept, place)
    if (mode === 'exclusive') firstKeptExclusive = earlier(firstKeptExclusive, place)
  }
  return violations
}

function earlier(first: Place | undefined, place: Place): Place | undefined {
  if (place.entry.keptNs === undefined) return first
  return first === undefined || place.entry.keptNs < keptNs(first) ? place : first
}

function keptNs({ entry }: Place): bigint {
  return entry.keptNs ?? entry.beganNs
}
