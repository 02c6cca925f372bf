import type { Metrics } from './metrics.ts'
import type { ReservationMode } from './resource.ts'
import type { TaskState } from './state-machine.ts'
import type { Task, TaskId, WorkerId } from './task.ts'

/** A task as it stands in one line. */
export interface TaskInLine {
  readonly id: TaskId
  readonly name: string
  readonly state: TaskState
  readonly mode: ReservationMode
  /** Units of a counted reservation; 0 for the other modes. */
  readonly amount: number
  /** Whether nothing keeps it waiting at any of its resources. */
  readonly unblocked: boolean
  readonly workerId: WorkerId | null
  /** Of the worker that runs it; `null` where there is none, or none any more. */
  readonly workerName: string | null
  /** Since when it runs, or else waits. */
  readonly since: Date
}

/** Where a task stands at one of its resources, and why it doesn't go on there. */
export interface LinePlace {
  readonly resource: string
  readonly mode: ReservationMode
  /** Units of a counted reservation; 0 for the other modes. */
  readonly amount: number
  /** Of a counted resource; `null` for the other modes. */
  readonly capacity: number | null
  /** Its place in line, from 1. */
  readonly place: number
  /** Whether something before it keeps it waiting here. */
  readonly blocked: boolean
  /** How many tasks run with this resource. */
  readonly holding: number
  /** The first of those, in their order in line; at most ten. */
  readonly holders: readonly TaskInLine[]
  /** Whoever conflicts with it and stands nearest before it. */
  readonly before: TaskInLine | null
}

/** One step on the way to what a blocked task really waits for. */
export interface BlockingLink {
  /** Where the step's task stands before the one of the step before. */
  readonly resource: string
  readonly task: TaskInLine
}

/** Why a task is where it is. */
export interface Explanation {
  readonly task: Task
  /** Its places in line; none once it is finished. */
  readonly places: readonly LinePlace[]
  /**
   * For a blocked task: who is first in a line that it waits in, who is first in a line that this
   * one waits in, and so on. The last one is the root cause: it runs, or waits for a worker.
   */
  readonly chain: readonly BlockingLink[]
  /** The living workers that serve its queue and know its name. */
  readonly workers: { readonly serving: number; readonly freeSlots: number }
}

/** A resource and its line, in short. */
export interface LineSummary {
  readonly resource: string
  /** How many tasks hold a place in its line. */
  readonly length: number
  /** How many of those run. */
  readonly running: number
  /** How many of those wait. */
  readonly waiting: number
  /** Units taken by what runs, where it is counted. */
  readonly used: number
  /** The largest capacity that a task in line named; `null` where none is counted. */
  readonly capacity: number | null
  /** When the first in line was dispatched. */
  readonly oldest: Date
}

/** A resource, its holders and its line. */
export interface Line extends Omit<LineSummary, 'oldest'> {
  /** In their order; as many as were asked for. */
  readonly tasks: readonly TaskInLine[]
}

export interface LineFilter {
  /** Only resources whose names begin so. */
  readonly prefix?: string
  /** At most so many, the longest lines first. Default 100. */
  readonly limit?: number
}

/** What a store tells of how things stand. */
export interface ObservationStore {
  /** Why a task is where it is. @throws TaskNotFoundError */
  explain(id: TaskId): Promise<Explanation>
  /** The resources that have a line, the longest first. */
  resources(filter?: LineFilter): Promise<LineSummary[]>
  /** The first of a line, in order; without any there is no line. */
  line(resource: string, limit?: number): Promise<Line>
  /** How much there is to do and is being done. It costs little, however much that is. */
  metrics(): Promise<Metrics>
}
