import { milliseconds, WorkerMissingError } from '@tasking/core'
import type { DispatchedTask, NewTask, WorkerId } from '@tasking/core'
import { ChildPool } from './child-pool.ts'
import { DueAlarm } from './due-alarm.ts'
import { dutiesOf } from './duties.ts'
import { HandlersStuckError } from './handlers-stuck-error.ts'
import { Heartbeat } from './heartbeat.ts'
import { Housekeeping } from './housekeeping.ts'
import { Launcher } from './launcher.ts'
import { LoopDelay } from './loop-delay.ts'
import { isolationsIn, workerSettings } from './options.ts'
import type { WorkerOptions, WorkerSettings } from './options.ts'
import { ProgressBook } from './progress-book.ts'
import { PullLoop } from './pull-loop.ts'
import { register } from './registration.ts'
import { scheduleDuty } from './schedule-duty.ts'
import { TaskAbort } from './task-abort.ts'
import type { StopOptions, Worker, WorkerHealth, WorkerPhase } from './worker.ts'

// After the worker has given itself up, and before others may take its tasks.
const childPatience = 0.9

/**
 * Creates a worker; `start()` sets it to work.
 * @throws InvalidOptionError
 */
export function createWorker(options: WorkerOptions): Worker {
  return new PullingWorker(workerSettings(options))
}

/** A worker; one with no slots is a dispatcher, which claims nothing and runs tasks of its own. */
export class PullingWorker implements Worker {
  readonly id: WorkerId
  readonly #settings: WorkerSettings
  readonly #loop: PullLoop
  readonly #heartbeat: Heartbeat
  readonly #housekeeping: Housekeeping
  readonly #dueAlarm: DueAlarm
  readonly #children: ChildPool | undefined
  readonly #loopDelay: LoopDelay
  readonly #stopping = new AbortController()
  readonly #finished = new AbortController()
  #started: Promise<void> | undefined
  #missing = false
  #isPulling = false
  #unsubscribe: () => Promise<void> = async () => undefined
  #resolveEnded: () => void = () => undefined
  #rejectEnded: (error: unknown) => void = () => undefined
  #saysStuck: (error: HandlersStuckError) => void = () => undefined
  readonly ended: Promise<void>

  constructor(given: WorkerSettings) {
    const { tasking, clock, ttlMs, onEvent } = given
    const { store } = tasking
    this.id = store.newId()
    const logger = given.logger.child({ workerId: this.id })
    const settings = { ...given, logger }
    this.#settings = settings
    const { childSetUp, heapLimitMb } = settings
    this.#children = childSetUp && new ChildPool(childSetUp, { heapLimitMb }, clock, logger)
    const progress = new ProgressBook(store, this.id, clock, logger)
    const launcher = new Launcher(this.id, settings, this.#children, progress)
    this.#loop = new PullLoop(this.id, settings, launcher, progress, {
      onMissing: () => this.#giveUp(),
      onNextDue: (inMs) => this.#dueAlarm.expect(inMs),
      onStuck: (taskNames) => this.#saysStuck(new HandlersStuckError(taskNames)),
    })
    this.#dueAlarm = new DueAlarm(store, clock, {
      onFailure: (error) => logger.warn({ err: error }, 'due tasks could not be put in line'),
    })
    this.#loopDelay = new LoopDelay(clock, ttlMs, {
      onDelay: (delayMs) => {
        const tasks = this.#loop.inlineTaskNames
        logger.warn({ delayMs, tasks }, 'the event loop was blocked, or this process was paused')
        onEvent({ kind: 'delayed', delayMs })
      },
      onJump: (jumpMs) => {
        logger.warn({ jumpMs }, 'the clock jumped: asking whether the tasks are still ours')
        void this.#heartbeat.ask()
      },
      onRound: () => this.#loop.forgetEndedTasks(),
    })
    this.#heartbeat = new Heartbeat(store, clock, this.id, ttlMs, {
      onBeat: (beat) => {
        this.#loop.polling.fleet = beat.fleet
        this.#housekeeping.housekeepers = beat.housekeepers
        this.#dueAlarm.housekeepers = beat.housekeepers
        this.#loop.compare(beat)
        this.#children?.renew(this.#heartbeat.renewedAt + ttlMs * childPatience)
      },
      onFailure: (error) => logger.warn({ err: error }, 'a heartbeat failed'),
      onMissing: () => this.#giveUp(),
    })
    const onFound = () => this.#loop.wake()
    const onNextDue = (inMs: number | null) => this.#dueAlarm.expect(inMs)
    const duties = [
      ...dutiesOf({ ...settings, store, onFound, onNextDue }),
      scheduleDuty(tasking, settings.duties.schedules, clock, logger, onFound),
    ]
    this.#housekeeping = new Housekeeping(duties, clock, {
      onFailure: (duty, error) => logger.warn({ err: error, duty }, 'housekeeping failed'),
    })
    this.ended = new Promise<void>((resolve, reject) => {
      // It goes on all the same: others must not take what these handlers work on.
      this.#saysStuck = reject
      this.#resolveEnded = () => {
        this.#finished.abort()
        resolve()
      }
      this.#rejectEnded = (error) => {
        this.#finished.abort()
        reject(error)
      }
    })
    // Whoever doesn't await the end is told of it by the log.
    void this.ended.catch(() => undefined).then(() => onEvent({ kind: 'stopped' }))
  }

  get name(): string {
    return this.#settings.name
  }

  get running(): number {
    return this.#loop.running
  }

  get health(): WorkerHealth {
    const phase = this.#phase
    const lastBeatMs = performance.now() - this.#heartbeat.renewedAt
    // One beat that fails is no news.
    const isReady = phase === 'pulling' && lastBeatMs < this.#settings.ttlMs / 2
    return { phase, lastBeatMs, stuck: this.#loop.stuck, isReady }
  }

  get #phase(): WorkerPhase {
    if (this.#missing) return 'missing'
    if (this.#finished.signal.aborted) return 'stopped'
    if (!this.#loop.isClaiming) return 'stopping'
    return this.#isPulling ? 'pulling' : 'starting'
  }

  async start(): Promise<this> {
    this.#started ??= this.#start()
    await this.#started
    return this
  }

  async stop({ abortAfter }: StopOptions = {}): Promise<void> {
    const limitMs = abortAfter === undefined ? undefined : milliseconds(abortAfter, 'abortAfter')
    this.#stopping.abort()
    this.#loop.stopClaiming()
    if (limitMs !== undefined) void this.#abortAfter(limitMs)
    if (this.#started === undefined) this.#resolveEnded()
    await this.ended.catch(() => undefined)
  }

  /**
   * Dispatches a task as this worker's own and, where the store says so, runs it at once.
   * @returns the answer, once the store has the end of the task
   */
  runAtOnce(task: NewTask, dispatch: () => Promise<DispatchedTask>): Promise<DispatchedTask> {
    return this.#loop.runAtOnce(task, dispatch)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #start(): Promise<void> {
    try {
      await this.#warmUp()
      if (!(await register(this.id, this.#settings, this.#heartbeat, this.#stopping.signal))) {
        await this.#children?.close()
        return this.#resolveEnded()
      }
      this.#unsubscribe = await this.#listen()
    } catch (error) {
      this.#heartbeat.stop()
      this.#children?.kill()
      this.#rejectEnded(error)
      throw error
    }
    if (this.#missing) return this.#letGo()
    const { tasking, auxiliary, burst, logger, onEvent } = this.#settings
    // What is due, or was a missing worker's, can run now.
    if (burst && !auxiliary) await this.#housekeeping.round()
    if (!auxiliary) {
      this.#housekeeping.start()
      this.#dueAlarm.start()
    }
    this.#loopDelay.start()
    logger.info({ tasks: [...tasking.definitions.keys()] }, 'worker started')
    this.#isPulling = true
    onEvent({ kind: 'started' })
    void this.#loop
      .run()
      .then(() => this.#end())
      .then(this.#resolveEnded, this.#rejectEnded)
  }

  async #warmUp(): Promise<void> {
    const { tasking, isolation } = this.#settings
    const names = isolationsIn(tasking, isolation)
    for (const kind of ['thread', 'process'] as const) {
      const isolated = names.get(kind)
      if (isolated !== undefined) await this.#children?.warmUp(kind, isolated)
    }
  }

  async #listen(): Promise<() => Promise<void>> {
    const { tasking, queues, logger } = this.#settings
    const { signals } = tasking.store
    if (signals === undefined) return async () => undefined
    const { polling } = this.#loop
    return signals.subscribe(
      (signal) => {
        if (signal.kind === 'cancel') this.#loop.wakeForCancel(signal.taskId)
        else if (signal.kind === 'due') this.#dueAlarm.expect(signal.inMs)
        else if (signal.queue === null || queues.includes(signal.queue)) {
          this.#loop.wakeWithOthers(signal.tasks)
        }
      },
      (connected) => {
        polling.wakeups = connected
        if (!connected) logger.warn('no wake-ups arrive: polling instead')
        this.#loop.wakeWithOthers()
      },
    )
  }

  // At once, without waiting for verbs that may hang: whoever owns the process must end it now.
  #giveUp(): void {
    if (this.#missing) return
    this.#missing = true
    this.#loopDelay.stop()
    const { logger, onEvent } = this.#settings
    logger.error('could not renew the heartbeat in time: giving up')
    onEvent({ kind: 'missing' })
    this.#loop.giveUp()
    this.#children?.kill()
    void this.#letGo()
    this.#rejectEnded(new WorkerMissingError(this.id))
  }

  async #letGo(): Promise<void> {
    this.#heartbeat.stop()
    this.#loopDelay.stop()
    await Promise.all([this.#housekeeping.stop(), this.#dueAlarm.stop(), this.#unsubscribe()])
  }

  async #abortAfter(limitMs: number): Promise<void> {
    await this.#settings.clock.sleep(limitMs, this.#finished.signal)
    this.#loop.abortAll(new TaskAbort('worker_stopping', 'Aborted during worker shutdown.'))
  }

  async #end(): Promise<void> {
    if (this.#missing) return
    const { tasking, logger } = this.#settings
    // While it still beats, since this may take a while.
    await this.#children?.close()
    await this.#letGo()
    // Its row would be taken for a missing worker's after the TTL: no harm, but a false alarm.
    await tasking.store
      .unregisterWorker(this.id)
      .catch((error: unknown) => logger.warn({ err: error }, 'could not unregister'))
    logger.info('worker stopped')
  }
}
