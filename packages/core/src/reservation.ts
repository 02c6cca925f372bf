import type { ReservationMode, Resources } from './resource.ts'

/** A task's place in line at its resources: the lower position goes first. */
export interface Reserving {
  readonly position: bigint
  readonly resources: Resources
}

/** One resource of a task: how it is reserved, and how much of it. */
export interface Reservation {
  readonly resource: string
  readonly mode: ReservationMode
  /** Units of a counted one; 0 for the other modes. */
  readonly amount: number
  /** Of a counted one; `Infinity` for the other modes. */
  readonly capacity: number
}

/** The resources of a request one by one. */
export function reservationsOf({ exclusive, shared, counted = [] }: Resources): Reservation[] {
  const uncounted = { amount: 0, capacity: Infinity }
  return [
    ...exclusive.map((resource) => ({ resource, mode: 'exclusive' as const, ...uncounted })),
    ...counted.map((count) => ({ mode: 'counted' as const, ...count })),
    ...shared.map((resource) => ({ resource, mode: 'shared' as const, ...uncounted })),
  ]
}

/** Whether two reservations of one resource exclude each other, however small they are. */
export function modesConflict(a: ReservationMode, b: ReservationMode): boolean {
  return a === 'exclusive' || b === 'exclusive'
}

/** The names of the resources that the two requests can't hold together. */
export function conflictsBetween(a: Resources, b: Resources): string[] {
  const ofB = byResource(b)
  return reservationsOf(a).flatMap((mine) => {
    const other = ofB.get(mine.resource)
    if (other === undefined) return []
    const fits = mine.amount + other.amount <= Math.min(mine.capacity, other.capacity)
    return modesConflict(mine.mode, other.mode) || !fits ? [mine.resource] : []
  })
}

/**
 * What blocks a task: everything before it in line that conflicts with it and, where it counts,
 * all that counts before it, once that leaves too little for it. First come first served per
 * resource follows, since a task is blocked also by what only waits.
 * @param incomplete every task that holds a place in line; the task itself may be among them
 */
export function blockersOf<T extends Reserving>(task: Reserving, incomplete: Iterable<T>): T[] {
  const mine = byResource(task.resources)
  const ahead = [...incomplete].filter(({ position }) => position < task.position)
  const full = new Set(
    [...mine.values()]
      .filter(({ mode }) => mode === 'counted')
      .filter(({ resource, amount, capacity }) => taken(resource, ahead) + amount > capacity)
      .map(({ resource }) => resource),
  )
  return ahead.filter(({ resources }) =>
    reservationsOf(resources).some(({ resource, mode, amount }) => {
      const own = mine.get(resource)
      if (own === undefined) return false
      return modesConflict(own.mode, mode) || (amount > 0 && full.has(resource))
    }),
  )
}

function taken(resource: string, tasks: readonly Reserving[]): number {
  return tasks
    .flatMap(({ resources }) => resources.counted ?? [])
    .filter((count) => count.resource === resource)
    .reduce((sum, { amount }) => sum + amount, 0)
}

function byResource(resources: Resources): Map<string, Reservation> {
  return new Map(reservationsOf(resources).map((one) => [one.resource, one]))
}
