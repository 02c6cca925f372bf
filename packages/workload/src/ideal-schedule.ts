import { SortedList } from './sorted-list.ts'
import type { WorkItem } from './workload.ts'

export interface IdealSchedule {
  /** From the first start to the last end, in milliseconds. */
  readonly makespanMs: number
  /** The most tasks that ran at once. */
  readonly mostAtOnce: number
}

/**
 * The list schedule: first come first served per resource, and whoever is first in line among those
 * that may start does so the moment a slot is free, with no time for dispatch, pick-up or clean-up.
 * @param slots how many tasks may run at once
 */
export function idealSchedule(items: readonly WorkItem[], slots: number): IdealSchedule {
  const { blockers, blocked } = dependencies(items)
  const ready = new SortedList<number>((index) => index)
  const running = new SortedList<{ readonly index: number; readonly endMs: number }>(
    ({ endMs }) => endMs,
  )
  for (const [index, count] of blockers.entries()) if (count === 0) ready.add(index)
  let nowMs = 0
  let mostAtOnce = 0
  for (;;) {
    while (running.size < slots) {
      const index = ready.takeFirst()
      if (index === undefined) break
      running.add({ index, endMs: nowMs + (items[index]?.durationMs ?? 0) })
    }
    mostAtOnce = Math.max(mostAtOnce, running.size)
    const ended = running.takeFirst()
    if (ended === undefined) return { makespanMs: nowMs, mostAtOnce }
    nowMs = ended.endMs
    for (const index of blocked[ended.index] ?? []) {
      const left = (blockers[index] ?? 0) - 1
      blockers[index] = left
      if (left === 0) ready.add(index)
    }
  }
}

// For each task, how many others it waits for and who waits for it. Per resource it is enough to
// wait for the shared ones since the last exclusive one, or else for that.
function dependencies(items: readonly WorkItem[]) {
  const blockers = items.map(() => 0)
  const blocked = items.map((): number[] => [])
  const lines = new Map<string, { exclusive: number | undefined; shared: number[] }>()
  for (const [index, { resources }] of items.entries()) {
    const before = new Set<number>()
    for (const name of resources.exclusive) {
      const line = lines.get(name)
      if (line?.shared.length) for (const other of line.shared) before.add(other)
      else if (line?.exclusive !== undefined) before.add(line.exclusive)
      lines.set(name, { exclusive: index, shared: [] })
    }
    for (const name of resources.shared) {
      const line = lines.get(name) ?? { exclusive: undefined, shared: [] }
      if (line.exclusive !== undefined) before.add(line.exclusive)
      line.shared.push(index)
      lines.set(name, line)
    }
    blockers[index] = before.size
    for (const other of before) blocked[other]?.push(index)
  }
  return { blockers, blocked }
}
