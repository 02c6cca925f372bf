import type { Duration, WorkerId } from '@tasking/core'

export interface StopOptions {
  /** After so long, handlers that still run are aborted; their tasks fail. Default: never. */
  readonly abortAfter?: Duration
}

/**
 * `starting` until it is registered, `pulling`, `stopping` from when it claims nothing more until its
 * last handler has ended, `missing` when it had to give itself up, and `stopped`.
 */
export type WorkerPhase = 'starting' | 'pulling' | 'stopping' | 'missing' | 'stopped'

/** What a probe asks. */
export interface WorkerHealth {
  readonly phase: WorkerPhase
  /** How long ago the last heartbeat was sent that got an answer, or else the worker was made. */
  readonly lastBeatMs: number
  /** How many inline handlers go on although their grace is over: each keeps a slot. */
  readonly stuck: number
  /** Whether it pulls, and the store has answered of late. */
  readonly isReady: boolean
}

/** Pulls tasks from the store and runs them, until it is stopped. */
export interface Worker extends AsyncDisposable {
  readonly id: WorkerId
  readonly name: string
  /** The tasks whose handlers run right now. */
  readonly running: number
  readonly health: WorkerHealth
  /**
   * Registers and begins to pull. While the store can't be reached it keeps trying.
   * @throws SchemaMissingError and the like, which waiting would not heal; IsolationError when
   *   threads or processes for handlers can't be started
   */
  start(): Promise<this>
  /**
   * Claims nothing more and waits for the running handlers. Safe to call again, also to hurry. It
   * doesn't wait for what `HandlersStuckError` is about.
   */
  stop(options?: StopOptions): Promise<void>
  /**
   * Resolves when the worker has stopped.
   * @throws HandlersStuckError when, after `abortAfter` and their grace, only inline handlers are left
   *   that go on: until the end of the process the worker goes on, too, and keeps their reservations
   * @throws WorkerMissingError when it had to give itself up; its threads and processes were killed,
   *   its inline handlers told to abort, but only the end of the process makes sure that they do
   */
  readonly ended: Promise<void>
}
