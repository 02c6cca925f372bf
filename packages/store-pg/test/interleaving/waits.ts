interface Backend {
  readonly pid: number
  readonly name: string
}

/** Who waits for whom, as PostgreSQL sees it. */
export interface Waits {
  /** Whether nothing will change before somebody who doesn't wait goes on. */
  readonly isStable: boolean
  /** Those who wait for each other, until PostgreSQL ends one of them. */
  readonly cycle: readonly string[]
  readonly byName: ReadonlyMap<string, readonly string[]>
}

/**
 * @param busy those who have no answer yet, with the process ids of those they wait for; none for
 *   whoever is just at work
 */
export function waitsOf(
  backends: readonly Backend[],
  busy: readonly { readonly pid: number; readonly blockers: readonly number[] }[],
): Waits {
  const names = new Map(backends.map(({ pid, name }) => [pid, name]))
  const blockersOf = new Map(busy.map(({ pid, blockers }) => [pid, blockers]))
  const onCycle = (pid: number): boolean => reaches(blockersOf, pid, pid)
  const cycle = busy.filter(({ pid }) => onCycle(pid)).flatMap(({ pid }) => names.get(pid) ?? [])
  const known = busy.every(({ blockers }) => blockers.every((pid) => names.has(pid)))
  return {
    cycle,
    isStable: known && cycle.length === 0 && busy.every(({ blockers }) => blockers.length > 0),
    byName: new Map(
      busy.map(({ pid, blockers }) => [
        names.get(pid) ?? '',
        blockers.flatMap((blocker) => names.get(blocker) ?? []),
      ]),
    ),
  }
}

function reaches(
  blockersOf: ReadonlyMap<number, readonly number[]>,
  from: number,
  to: number,
): boolean {
  const seen = new Set<number>()
  const next = [...(blockersOf.get(from) ?? [])]
  for (let pid = next.pop(); pid !== undefined; pid = next.pop()) {
    if (pid === to) return true
    if (!seen.has(pid)) next.push(...(blockersOf.get(pid) ?? []))
    seen.add(pid)
  }
  return false
}
