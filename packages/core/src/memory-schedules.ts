import type { Clock } from './clock.ts'
import type {
  DueSchedules,
  Firing,
  FiringOutcome,
  NewSchedule,
  Schedule,
  ScheduledTask,
  SchedulePlan,
} from './schedule.ts'
import type { DispatchedTask, NewTask, TaskId } from './task.ts'

/** What a firing needs of the tasks. */
interface TaskIntake {
  isUnfinished(id: TaskId): boolean
  dispatch(task: NewTask): DispatchedTask
}

/** The schedules of a store in memory. */
export class MemorySchedules {
  readonly #clock: Clock
  readonly #schedules = new Map<string, Schedule>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** By name. */
  get all(): Schedule[] {
    return [...this.#schedules.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1))
  }

  set({ name, timing, task, nextAt }: NewSchedule): Schedule {
    const known = this.#schedules.get(name)
    const never = { pausedAt: null, lastTaskId: null, lastFiredAt: null, lastSkippedAt: null }
    if (known === undefined)
      return this.#keep({ name, timing, task, nextAt, revision: 1, ...never })
    const sameTiming = isSame(known.timing, timing)
    if (sameTiming && isSame(known.task, task)) return known
    return this.#change(known, { timing, task, ...(!sameTiming && { nextAt }) })
  }

  remove(name: string): boolean {
    return this.#schedules.delete(name)
  }

  plan({ name, revision, paused, nextAt }: SchedulePlan): boolean {
    const known = this.#schedules.get(name)
    if (known?.revision !== revision) return false
    const pausedAt = paused ? (known.pausedAt ?? this.#clock.now()) : null
    this.#change(known, { pausedAt, nextAt })
    return true
  }

  due(limit: number): DueSchedules {
    const now = this.#clock.now()
    const planned = this.all
      .flatMap((schedule) =>
        schedule.nextAt === null || schedule.pausedAt !== null
          ? []
          : [{ schedule, inMs: schedule.nextAt.getTime() - now.getTime() }],
      )
      .toSorted((a, b) => a.inMs - b.inMs)
    const due = planned.filter(({ inMs }) => inMs <= 0).slice(0, limit)
    const next = planned[due.length]
    const nextInMs = next === undefined ? null : Math.max(0, next.inMs)
    return { due: due.map(({ schedule }) => schedule), now, nextInMs }
  }

  fire({ name, taskId, due }: Firing, tasks: TaskIntake): FiringOutcome {
    const known = this.#schedules.get(name)
    if (known === undefined) return { kind: 'changed' }
    const asSeen = due?.revision === known.revision && known.pausedAt === null
    if (due !== undefined && !asSeen) return { kind: 'changed' }
    const { task, lastTaskId } = known
    const firedAt = this.#clock.now()
    if (lastTaskId !== null && tasks.isUnfinished(lastTaskId)) {
      // The only time of a single one isn't passed over: it waits.
      if (due && due.nextAt !== null) {
        this.#change(known, { nextAt: due.nextAt, lastSkippedAt: firedAt })
      }
      return { kind: 'unfinished', taskId: lastTaskId }
    }
    const { id, blocked } = tasks.dispatch({ ...task, id: taskId })
    const plan = due && { nextAt: due.nextAt }
    this.#change(known, { ...plan, lastTaskId: id, lastFiredAt: firedAt })
    return { kind: 'fired', taskId: id, blocked }
  }

  #change(schedule: Schedule, changes: Partial<Schedule>): Schedule {
    return this.#keep({ ...schedule, ...changes, revision: schedule.revision + 1 })
  }

  #keep(schedule: Schedule): Schedule {
    this.#schedules.set(schedule.name, schedule)
    return schedule
  }
}

function isSame<Part extends Schedule['timing'] | ScheduledTask>(a: Part, b: Part): boolean {
  return canonical(a) === canonical(b)
}

// As JSON, whatever the order of its keys.
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  )
}
