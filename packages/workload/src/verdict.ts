import { isFinal } from '@tasking/core'
import type { TaskState } from '@tasking/core'
import { findOverlaps } from './overlap.ts'
import type { Overlap } from './overlap.ts'
import { percentile } from './percentile.ts'
import type { Run } from './recording.ts'
import type { WorkItem } from './workload.ts'

/** What the store says of a task of the workload. */
export interface Outcome {
  readonly index: number
  readonly state: TaskState
  /** Milliseconds of the wall clock. */
  readonly unblockedMs: number | null
  readonly reason: string | null
}

export interface Evidence {
  readonly items: readonly WorkItem[]
  readonly runs: readonly Run[]
  readonly outcomes: readonly Outcome[]
  /** When each process that died on the way was seen dead, on the monotonic clock. */
  readonly deaths: ReadonlyMap<number, bigint>
  /** When the first dispatch began, on the monotonic clock. */
  readonly beganNs: bigint
  readonly slotsPerProcess: number
}

export interface Verdict {
  readonly completed: number
  readonly failed: readonly Outcome[]
  /** Dispatched, but not in a final state; or completed without ever having run. */
  readonly lost: readonly Outcome[]
  readonly overlaps: readonly Overlap[]
  /** From the first dispatch to the last end of a handler, in milliseconds. */
  readonly makespanMs: number
  /** How long tasks waited that could have started: unblocked, and a slot of their worker free. */
  readonly pickUp: { readonly medianMs: number; readonly p99Ms: number }
}

/** Judges a workload by what its handlers noted; the store's word only tells what is final. */
export function judge(evidence: Evidence): Verdict {
  const { items, runs, outcomes, deaths, beganNs } = evidence
  const lastNs = runs.reduce(
    (last, run) => (run.endNs && run.endNs > last ? run.endNs : last),
    beganNs,
  )
  const held = runs.flatMap((run) => {
    const item = items[run.index]
    if (item === undefined) return []
    // A run without an end holds its resources until its process was dead.
    const endNs = run.endNs ?? deaths.get(run.pid) ?? lastNs
    return [{ index: run.index, resources: item.resources, startNs: run.startNs, endNs }]
  })
  const ended = new Set(runs.flatMap((run) => (run.endNs === undefined ? [] : [run.index])))
  return {
    completed: outcomes.filter(({ state }) => state === 'completed').length,
    failed: outcomes.filter(({ state }) => isFinal(state) && state !== 'completed'),
    lost: outcomes.filter(
      ({ index, state }) => !isFinal(state) || (state === 'completed' && !ended.has(index)),
    ),
    overlaps: findOverlaps(held),
    makespanMs: Number(lastNs - beganNs) / 1e6,
    pickUp: pickUp(evidence),
  }
}

function pickUp({ runs, outcomes, slotsPerProcess }: Evidence): Verdict['pickUp'] {
  const unblockedMs = new Map(outcomes.map((outcome) => [outcome.index, outcome.unblockedMs]))
  const freeSince = new Map<number, number[]>()
  const delays: number[] = []
  const ends = new Map<number, number[]>()
  for (const run of runs.toSorted((a, b) => a.startWallMs - b.startWallMs)) {
    const free = freeSince.get(run.pid) ?? Array.from({ length: slotsPerProcess }, () => 0)
    const busy = ends.get(run.pid) ?? []
    // The slots of those that ended before this start have become free then.
    free.push(...busy.filter((end) => end <= run.startWallMs))
    free.sort((a, b) => a - b)
    const slotMs = free.shift() ?? run.startWallMs
    freeSince.set(run.pid, free)
    const later = busy.filter((end) => end > run.startWallMs)
    ends.set(run.pid, [...later, ...(run.endWallMs === undefined ? [] : [run.endWallMs])])
    const claimableMs = unblockedMs.get(run.index)
    if (claimableMs != null)
      delays.push(Math.max(0, run.startWallMs - Math.max(claimableMs, slotMs)))
  }
  return { medianMs: percentile(delays, 0.5), p99Ms: percentile(delays, 0.99) }
}
