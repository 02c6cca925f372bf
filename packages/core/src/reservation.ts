import type { ReservationMode, Resources } from './resource.ts'

/** A task's place in line at its resources: the lower position goes first. */
export interface Reserving {
  readonly position: bigint
  readonly resources: Resources
}

/** Whether two reservations of one resource exclude each other. */
export function modesConflict(a: ReservationMode, b: ReservationMode): boolean {
  return a === 'exclusive' || b === 'exclusive'
}

/** The names of the resources on which the two requests exclude each other. */
export function conflictsBetween(a: Resources, b: Resources): string[] {
  const ofB = modesByName(b)
  return [...modesByName(a)].flatMap(([name, mode]) => {
    const other = ofB.get(name)
    return other !== undefined && modesConflict(mode, other) ? [name] : []
  })
}

/**
 * What blocks a task: everything before it in line that conflicts with it. First come first
 * served per resource follows, since a shared task is blocked by an exclusive one that only waits.
 * @param incomplete every task that holds a place in line; the task itself may be among them
 */
export function blockersOf<T extends Reserving>(task: Reserving, incomplete: Iterable<T>): T[] {
  const blockers: T[] = []
  for (const other of incomplete) {
    if (
      other.position < task.position &&
      conflictsBetween(task.resources, other.resources).length > 0
    ) {
      blockers.push(other)
    }
  }
  return blockers
}

function modesByName({ exclusive, shared }: Resources): Map<string, ReservationMode> {
  const modes = new Map<string, ReservationMode>()
  for (const name of exclusive) modes.set(name, 'exclusive')
  for (const name of shared) modes.set(name, 'shared')
  return modes
}
