import type {
  DispatchedTask,
  Look,
  NewTask,
  OwnCompletion,
  ReservationMode,
  TaskId,
  TaskState,
  Turn,
  TurnResult,
  WorkerId,
} from '../../src/index.ts'

/** What a statement leaves to look at after its commit. */
interface Looks {
  readonly looks: readonly Look[]
}

/**
 * One client's way to the store: the verbs one statement each, without the second looks that a
 * store adds of its own accord. They reject with `Refused`, or with what nobody reckoned with.
 */
export interface Session {
  readonly name: string
  dispatch(tasks: readonly NewTask[]): Promise<Looks & { dispatched: readonly DispatchedTask[] }>
  turn(turn: Turn): Promise<TurnResult>
  /** @returns the state that the task was in */
  cancel(id: TaskId): Promise<Looks & { found: TaskState | null }>
  /** @returns what stood in the way */
  complete(completion: OwnCompletion): Promise<'lost' | 'canceling' | null>
  look(looks: readonly Look[]): Promise<Looks>
  unregister(id: WorkerId): Promise<Looks & { lost: number }>
  housekeep(sweep: boolean): Promise<Looks & Housekeeping>
  /** Sent with the next statement. */
  begin(isolation: Isolation): void
  commit(): Promise<void>
  rollback(): Promise<void>
  /** Stops the statement that waits: it rejects as `interrupted`. */
  interrupt(): Promise<void>
}

export type Isolation = 'read committed' | 'repeatable read'

export interface Housekeeping {
  readonly done: boolean
  readonly missing: readonly WorkerId[]
  readonly lost: number
}

/** A refusal that is part of the protocol. */
export class Refused extends Error {
  readonly code:
    | 'resources_busy'
    | 'transaction_isolation'
    | 'worker_missing'
    | 'deadlock'
    | 'interrupted'
  readonly detail: string

  constructor(code: Refused['code'], detail = '') {
    super(`${code} ${detail}`)
    this.code = code
    this.detail = detail
  }
}

/** A store with several clients, and the means to see what has become of it. */
export interface Engine {
  readonly transactional: boolean
  readonly sessions: readonly Session[]
  /** Forgets all workers, and registers these. */
  start(workers: readonly WorkerId[]): Promise<void>
  /** Lets the worker's heartbeat be older than its TTL. */
  expire(id: WorkerId): Promise<void>
  /**
   * Resolves when every statement has been answered or waits for a client that has been answered.
   * @param eager whether it is likely that one waits
   */
  rest(eager: boolean): Promise<Rest>
  observe(ids: readonly TaskId[], resources: readonly string[]): Promise<Observation>
  /** Ends what a run has left open, and forgets the run where it failed. */
  clear(failed: boolean): Promise<void>
}

export interface Rest {
  /** Who waits, and for whom, by the sessions' names. */
  readonly waits: ReadonlyMap<string, readonly string[]>
  /** Who was part of a lock cycle on the way. */
  readonly cycle: ReadonlySet<string>
}

/** What is committed. */
export interface Observation {
  readonly tasks: readonly ObservedTask[]
  readonly lines: readonly ObservedPlace[]
}

interface ObservedTask {
  readonly id: TaskId
  readonly state: TaskState
  readonly unblocked: boolean
  readonly position: bigint
  readonly workerId: WorkerId | null
  readonly token: bigint | null
  readonly dedupeKey: string | null
}

interface ObservedPlace {
  readonly resource: string
  readonly id: TaskId
  readonly mode: ReservationMode
  readonly amount: number
}
