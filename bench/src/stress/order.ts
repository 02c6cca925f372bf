import { reservationsOf } from '@tasking/core'
import type { Reservation } from '@tasking/core'
import type { LedgerEntry } from './dispatch-ledger.ts'

/** A task that began before another one that stood before it in line. */
export interface OrderViolation {
  readonly resource: string
  readonly overtaken: number
  readonly overtaking: number
}

/** A task that ran, and a resource that it had reserved. */
interface Place extends Reservation {
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
    for (const one of reservationsOf(entry.resources)) {
      add(lines, one.resource, { ...one, entry, startNs })
    }
  }
  return [...lines].flatMap(([resource, places]) => [
    ...violationsIn(resource, places),
    ...countedViolationsIn(resource, places),
  ])
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

// Who counts and stood before this one kept so many units from it as it asked for, until it began.
function countedViolationsIn(resource: string, places: readonly Place[]): OrderViolation[] {
  const counted = places
    .filter(({ mode }) => mode === 'counted')
    .toSorted((a, b) => (a.startNs < b.startNs ? -1 : 1))
  return counted.flatMap((place, nth) => {
    const passed = counted.slice(nth + 1).filter((other) => stoodBefore(other, place))
    const [first] = passed
    const units = passed.reduce((sum, { amount }) => sum + amount, 0)
    if (first === undefined || units + place.amount <= place.capacity) return []
    return [{ resource, overtaken: first.entry.index, overtaking: place.entry.index }]
  })
}

function stoodBefore({ entry: one }: Place, { entry: other }: Place): boolean {
  if (one.dispatch === other.dispatch) return one.place < other.place
  return one.keptNs !== undefined && one.keptNs < other.beganNs
}

function earlier(first: Place | undefined, place: Place): Place | undefined {
  if (place.entry.keptNs === undefined) return first
  return first === undefined || place.entry.keptNs < keptNs(first) ? place : first
}

function keptNs({ entry }: Place): bigint {
  return entry.keptNs ?? entry.beganNs
}
