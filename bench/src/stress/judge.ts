import { isFinal } from '@tasking/core'
import type { TaskState, WorkerId } from '@tasking/core'
import { findOverdrafts, findOverlaps } from '@tasking/workload'
import type { Held, Overdraft, Overlap, Run } from '@tasking/workload'
import type { LedgerEntry } from './dispatch-ledger.ts'
import { findOrderViolations } from './order.ts'
import type { OrderViolation } from './order.ts'

/** What the store says of a task in the end. */
export interface StoredTask {
  readonly index: number
  readonly state: TaskState
  readonly workerId: WorkerId | null
  readonly errorCode: string | null
}

export interface StressEvidence {
  readonly entries: readonly LedgerEntry[]
  readonly runs: readonly Run[]
  readonly tasks: readonly StoredTask[]
  /** Places in line that are left although nothing runs any more. */
  readonly placesLeft: number
  /** When each process that died was seen dead, on the monotonic clock. */
  readonly deaths: ReadonlyMap<number, bigint>
  /** The workers whose processes died. */
  readonly deadWorkers: ReadonlySet<WorkerId>
}

/** Whatever there is of these is a fault: all lists must be empty. */
export interface Faults {
  /** Conflicting tasks, or one task twice, at the same time. */
  readonly overlaps: readonly Overlap[]
  /** More units of a counted resource in use than there are. */
  readonly overdrafts: readonly Overdraft[]
  readonly orderViolations: readonly OrderViolation[]
  /** Not in a final state in the end, or a place in line without an owner. */
  readonly stuck: readonly string[]
  /** Dispatched and not there, or completed without having run to its end. */
  readonly lost: readonly number[]
  /** Run more than once. */
  readonly repeated: readonly number[]
  /** There, or even run, although their dispatch was rolled back. */
  readonly ghosts: readonly number[]
  /** Failed although no worker died with them. */
  readonly failed: readonly StoredTask[]
}

export interface StressVerdict {
  readonly faults: Faults
  readonly stored: number
  readonly completed: number
  readonly canceled: number
  /** Failed because their worker died: as it should be. */
  readonly diedWithWorker: number
}

/** Judges by what dispatchers and handlers noted themselves. */
export function judgeStress(evidence: StressEvidence): StressVerdict {
  const { entries, runs, tasks } = evidence
  const count = (state: TaskState) => tasks.filter((task) => task.state === state).length
  const failed = tasks.filter(({ state }) => state === 'failed')
  const unexplained = failed.filter((task) => !diedWithWorker(task, evidence))
  const held = heldIn(evidence)
  return {
    faults: {
      overlaps: findOverlaps(held),
      overdrafts: findOverdrafts(held),
      orderViolations: findOrderViolations(entries, firstStarts(runs)),
      stuck: stuckIn(evidence),
      lost: lostIn(evidence),
      repeated: repeatedIn(runs),
      ghosts: ghostsIn(evidence),
      failed: unexplained,
    },
    stored: tasks.length,
    completed: count('completed'),
    canceled: count('canceled'),
    diedWithWorker: failed.length - unexplained.length,
  }
}

/** Whether nothing went wrong. */
export function isSound({ faults }: StressVerdict): boolean {
  return Object.values(faults).every((list: readonly unknown[]) => list.length === 0)
}

function heldIn({ entries, runs, deaths }: StressEvidence): Held[] {
  const resources = new Map(entries.map((entry) => [entry.index, entry.resources]))
  const last = runs.reduce((max, { startNs, endNs = startNs }) => (endNs > max ? endNs : max), 0n)
  return runs.flatMap(({ index, pid, startNs, endNs }) => {
    const own = resources.get(index)
    // A run without an end holds its resources until its process was dead.
    const end = endNs ?? deaths.get(pid) ?? last
    return own === undefined ? [] : [{ index, resources: own, startNs, endNs: end }]
  })
}

function firstStarts(runs: readonly Run[]): Map<number, bigint> {
  const starts = new Map<number, bigint>()
  for (const { index, startNs } of runs) {
    const before = starts.get(index)
    if (before === undefined || startNs < before) starts.set(index, startNs)
  }
  return starts
}

function stuckIn({ tasks, placesLeft }: StressEvidence): string[] {
  const open = tasks.filter(({ state }) => !isFinal(state))
  const texts = open.map(({ index, state }) => `task ${index}, ${state}`)
  return open.length === 0 && placesLeft > 0 ? [`${placesLeft} places in line`] : texts
}

function lostIn({ entries, runs, tasks }: StressEvidence): number[] {
  const stored = new Set(tasks.map(({ index }) => index))
  const ended = new Set(runs.flatMap(({ index, endNs }) => (endNs === undefined ? [] : [index])))
  return [
    ...entries.filter(({ end, index }) => end === 'kept' && !stored.has(index)),
    ...tasks.filter(({ state, index }) => state === 'completed' && !ended.has(index)),
  ].map(({ index }) => index)
}

function repeatedIn(runs: readonly Run[]): number[] {
  const seen = new Set<number>()
  const repeated = new Set<number>()
  for (const { index } of runs) (seen.has(index) ? repeated : seen).add(index)
  return [...repeated]
}

function ghostsIn({ entries, runs, tasks }: StressEvidence): number[] {
  const seen = new Set([...tasks, ...runs].map(({ index }) => index))
  return entries.flatMap(({ end, index }) =>
    end === 'rolled back' && seen.has(index) ? [index] : [],
  )
}

function diedWithWorker(
  { errorCode, workerId }: StoredTask,
  { deadWorkers }: StressEvidence,
): boolean {
  return errorCode === 'worker_missing' && workerId !== null && deadWorkers.has(workerId)
}
