import type { Clock } from './clock.ts'
import type { ProgressReport, ProgressState } from './progress.ts'
import type { TaskId } from './task.ts'

type Written = Omit<ProgressReport, 'state'>

/** The progress reports of a store in memory, in the order in which they were begun. */
export class MemoryProgress {
  readonly #clock: Clock
  readonly #reports = new Map<TaskId, Map<string, Written>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  of(id: TaskId): Written[] {
    return [...(this.#reports.get(id)?.values() ?? [])]
  }

  write(id: TaskId, reports: readonly ProgressState[]): void {
    const known = this.#reports.get(id) ?? new Map<string, Written>()
    this.#reports.set(id, known)
    const now = this.#clock.now()
    for (const report of reports) {
      const startedAt = known.get(report.code)?.startedAt ?? now
      known.set(report.code, { ...report, startedAt, updatedAt: now })
    }
  }

  remove(id: TaskId): void {
    this.#reports.delete(id)
  }
}
