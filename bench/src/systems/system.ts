import type { Sql } from 'postgres'

/** Task systems that are measured side by side: ours, and its peers. */
export type SystemName = 'tasking' | 'graphile-worker' | 'pg-boss' | 'bullmq'

/** A task as any of them can be given it; it is the payload, too. */
export interface PlainTask {
  readonly index: number
  /** Reserved exclusively; the peers take one at most, as the name of a queue or as a key. */
  readonly resources: readonly string[]
}

/** How a worker process is set up. */
export interface CrewSetup {
  readonly system: SystemName
  readonly url: string
  /** How many tasks it may run at once. */
  readonly slots: number
  /** Whether it takes and ends many at once, where the system has to be told so. */
  readonly batched: boolean
  /** False for polling only. */
  readonly listen: boolean
  /** Whether tasks are all there already, or come one by one. */
  readonly load: 'backlog' | 'trickle'
}

/** What a worker process does with tasks. */
export interface Work {
  readonly run: (task: PlainTask) => Promise<void>
  /** Called when the ends of so many tasks are in the store, or as near to it as the system tells. */
  readonly finished: (count: number) => void
}

interface InstallOptions {
  /** Whether tasks with the same resource must not run at once; some need to know in advance. */
  readonly keyed?: boolean
  /** Whether workers are to be woken up; some need to know in advance. */
  readonly listen?: boolean
}

export interface SystemDispatcher extends AsyncDisposable {
  dispatch(task: PlainTask): Promise<unknown>
  /** All of them in one transaction. */
  dispatchMany(tasks: readonly PlainTask[]): Promise<unknown>
}

/** What the benchmark asks of a task system. */
export interface System {
  /** Makes its tables in an empty database. */
  install(url: string, options: InstallOptions): Promise<void>
  /** @param connections at most so many */
  openDispatcher(url: string, connections: number): Promise<SystemDispatcher>
  /** Connects, and gives the function that begins to take tasks; it ends with the process. */
  openWorker(setup: CrewSetup, work: Work): Promise<() => Promise<void>>
  /** Whether no task is left, where ends are told of before they are in the store. */
  isEmpty?(sql: Sql): Promise<boolean>
}
