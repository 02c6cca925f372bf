import { reservationsOf } from '../../src/index.ts'
import type { Look, NewTask, Resources } from '../../src/index.ts'

type Hold = 'alone' | 'shared'

/** What a statement may have to wait for, and what it may hold until its transaction ends. */
export interface Reach {
  /** Dispatch locks that it waits for, by name. */
  readonly wanted: Lines
  /** Dispatch locks that it tries. */
  readonly tried: Lines
  /** Rows that it waits for: ids of tasks and workers. */
  readonly rows: readonly string[]
  /** Rows that it may hold without having waited. */
  readonly held: readonly string[]
  /** Whether it may hold rows of tasks that it unblocks. */
  readonly unblocks: boolean
}

type Lines = readonly (readonly [name: string, hold: Hold])[]

export const noReach: Reach = { wanted: [], tried: [], rows: [], held: [], unblocks: false }

/** What everybody who dispatches passes. */
const gate = ''
const mostLocks = 64

export function dispatchLines(tasks: readonly NewTask[]): Lines {
  const lines = tasks.flatMap(({ resources, dedupeKey }) => [
    ...reservationsOf(resources).map(({ resource, mode }) =>
      line(resource, mode === 'shared' ? 'shared' : 'alone'),
    ),
    ...(dedupeKey === undefined ? [] : [line(`task ${dedupeKey}`, 'alone')]),
  ])
  if (new Set(lines.map(([name]) => name)).size > mostLocks) return [line(gate, 'alone')]
  return lines.length === 0 ? [] : [line(gate, 'shared'), ...lines]
}

/** The lines that a release tries, so as not to miss who dispatches there. */
export function releaseLines(released: readonly Resources[], looks: readonly Look[] = []): Lines {
  const lines = [...released.flatMap(reservationsOf), ...looks].map(({ resource, mode }) =>
    line(resource, mode === 'exclusive' ? 'alone' : 'shared'),
  )
  return lines.length === 0 ? [] : [line(gate, 'shared'), ...lines]
}

function line(name: string, hold: Hold): Lines[number] {
  return [name, hold]
}

/**
 * Whether the one has reason to wait for the other.
 * @param blocked the tasks that may be unblocked by the other
 */
export function mayWaitFor(one: Reach, other: Reach, blocked: ReadonlySet<string>): boolean {
  const held = [...other.wanted, ...other.tried]
  return (
    one.wanted.some(([name, hold]) =>
      held.some(([its, itsHold]) => its === name && (hold === 'alone' || itsHold === 'alone')),
    ) ||
    one.rows.some(
      (id) =>
        other.rows.includes(id) || other.held.includes(id) || (other.unblocks && blocked.has(id)),
    )
  )
}
