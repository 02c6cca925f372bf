import postgres from 'postgres'
import { isFinal, systemClock, TaskNotFoundError } from '@tasking/core'
import type {
  Clock,
  CreatedResource,
  CreationRecord,
  Completion,
  DispatchedTask,
  DispatchTarget,
  DueSchedules,
  Explanation,
  GroupCancellation,
  Line,
  LineFilter,
  LineSummary,
  Metrics,
  Firing,
  FiringOutcome,
  NewSchedule,
  NewTask,
  NewTaskGroup,
  OwnCompletion,
  PurgeBatch,
  QueueRecord,
  Schedule,
  SchedulePlan,
  ProgressReport,
  Signal,
  SignalSource,
  Store,
  Task,
  TaskCounts,
  TaskFilter,
  TaskGroupFilter,
  TaskGroupId,
  TaskGroupRecord,
  TaskId,
  TaskProgress,
  TaskRelation,
  Turn,
  TurnResult,
  WorkerId,
  WorkerRegistration,
} from '@tasking/core'
import { checkSchemaName, checkUrl } from './arguments.ts'
import { callerTransaction } from './caller-transaction.ts'
import type { CallerTransaction } from './caller-transaction.ts'
import { ClaimFloors } from './claim-floors.ts'
import type { ConnectionPool } from './connection.ts'
import { checkCommits, checkIsolation, isPooled } from './driver-check.ts'
import { translated } from './errors.ts'
import { instrumented } from './instrument.ts'
import type { Repeatable } from './instrument.ts'
import { Listener } from './listener.ts'
import { checkSchema, migrateSchema } from './migrations.ts'
import { nodePostgresPool } from './node-postgres.ts'
import { Notifier } from './notifier.ts'
import type { PgStoreOptions } from './options.ts'
import { postgresJsPool } from './postgres-js.ts'
import { defaultSchema, tablesIn } from './schema.ts'
import { TaskIds } from './task-id.ts'
import { cancel } from './verbs/cancel.ts'
import { creationsOf, recordCreation } from './verbs/creations.ts'
import { complete } from './verbs/complete.ts'
import { dispatch, dispatchOnce } from './verbs/dispatch.ts'
import { cancelMembers, closeGroup, createGroup, groups } from './verbs/groups.ts'
import { housekeep } from './verbs/housekeep.ts'
import { requireVersions } from './verbs/requirements.ts'
import { explain, line, resources } from './verbs/lines.ts'
import { look } from './verbs/look.ts'
import type { Place } from './verbs/look.ts'
import { metrics } from './verbs/metrics.ts'
import { promote } from './verbs/promote.ts'
import { pauseQueue, queues, resumeQueue } from './verbs/queues.ts'
import { deleteTask, purge } from './verbs/purge.ts'
import { progressOf, reportProgress } from './verbs/progress.ts'
import { count, find, list, queries } from './verbs/read.ts'
import {
  dueSchedules,
  fireSchedule,
  planSchedule,
  removeSchedule,
  schedules,
  setSchedule,
} from './verbs/schedules.ts'
import { turn } from './verbs/turn.ts'
import { beat, registerWorker, unregisterWorker, workers } from './verbs/workers.ts'

/**
 * The PostgreSQL store. Nothing is connected before the first verb; then it checks that the
 * connection and the schema can be used safely.
 * @throws InvalidOptionError for options that can't be used; the verbs throw SchemaMissingError,
 *   SchemaOutdatedError, SchemaNewerError, UnsafeDriverError, StoreUnavailableError
 */
export function pgStore(options: PgStoreOptions): PgStore {
  return new PgStore(options)
}

// One for the turn, one for the heartbeat that must not wait for it.
const controlConnections = 2

interface Opened {
  readonly pool: ConnectionPool
  /** For what keeps a worker alive: a dispatch that waits for a lock must not hold that up. */
  readonly control: ConnectionPool
  readonly notifier: Notifier
}

export class PgStore implements Store<CallerTransaction> {
  readonly #options: PgStoreOptions
  readonly #schema: string
  readonly #clock: Clock
  readonly #tables: ReturnType<typeof tablesIn>
  readonly #claimFloors: ClaimFloors
  readonly #ids: TaskIds
  #opening: Promise<Opened> | undefined
  #listener: Listener | undefined
  #closed = false

  constructor(options: PgStoreOptions) {
    const schema = options.schema ?? defaultSchema
    checkSchemaName(schema)
    if ('url' in options) checkUrl(options.url)
    if (typeof options.listen === 'string') checkUrl(options.listen, 'listen')
    this.#options = options
    this.#schema = schema
    this.#clock = options.clock ?? systemClock
    this.#claimFloors = new ClaimFloors(this.#clock)
    this.#ids = new TaskIds(this.#clock)
    this.#tables = tablesIn(schema)
  }

  get signals(): SignalSource | undefined {
    return this.#listener
  }

  newId(): TaskId {
    return this.#ids.next()
  }

  async check(): Promise<void> {
    await this.#open()
  }

  async dispatch(tasks: readonly NewTask[], { tx }: DispatchTarget<CallerTransaction> = {}) {
    const { pool, notifier } = await this.#open()
    await this.#require(tasks)
    if (tx !== undefined) {
      const connection = callerTransaction(tx, pool.address)
      const run = () => dispatch(connection, this.#schema, tasks)
      const { dispatched } = await this.#verb('dispatch', pool, run, 'never')
      // Sent by PostgreSQL when the caller commits, and not at all if not.
      const signals = [...wakeups(tasks, dispatched), ...this.#dueSoon(tasks)]
      await notifier.sendWithin(connection, signals)
      return dispatched
    }
    const run = () => dispatchOnce(pool, this.#schema, tasks)
    const { dispatched, unblocked, looks } = await this.#verb('dispatch', pool, run)
    notifier.send([...wakeups(tasks, dispatched), ...this.#dueSoon(tasks)])
    const movedUp = unblocked + (await look(this.#place(pool), looks))
    if (movedUp > 0) notifier.send([wakeup(null, movedUp)])
    return dispatched
  }

  async turn(ask: Turn): Promise<TurnResult> {
    const { control, notifier } = await this.#open()
    const run = () => turn(control, this.#schema, this.#claimFloors, ask)
    const { result, leftOver } = await this.#verb('turn', control, run, 'conflict')
    if (leftOver > 0) notifier.send([wakeup(null, leftOver)])
    notifier.send(dueSignals(ask.completions.flatMap(retryDelayMs)))
    return result
  }

  async complete(completion: OwnCompletion, { tx }: Required<DispatchTarget<CallerTransaction>>) {
    const { pool } = await this.#open()
    const connection = callerTransaction(tx, pool.address)
    const run = () => complete(connection, this.#schema, completion)
    await this.#verb('complete', pool, run, 'never')
  }

  async cancel(id: TaskId, reason?: string): Promise<Task> {
    const { pool, notifier } = await this.#open()
    const run = () => cancel(this.#place(pool), id, reason)
    const { state, unblocked } = await this.#verb('cancel', pool, run, 'conflict')
    if (!isFinal(state)) notifier.send([{ kind: 'cancel', taskId: id }])
    if (unblocked > 0) notifier.send([wakeup(null, unblocked)])
    const [task] = await this.find([id])
    if (task === undefined) throw new TaskNotFoundError(id)
    return task
  }

  async delete(id: TaskId): Promise<void> {
    const { pool } = await this.#open()
    // Repeated after a lost answer it would not be found.
    await this.#verb('delete', pool, () => deleteTask(pool, this.#schema, id), 'conflict')
  }

  async purge(batch: PurgeBatch) {
    const { pool } = await this.#open()
    return this.#verb('purge', pool, () => purge(pool, this.#schema, batch))
  }

  async find(ids: readonly TaskId[]): Promise<Task[]> {
    const { pool } = await this.#open()
    return this.#verb('find', pool, () => find(queries(pool), this.#tables, ids))
  }

  async list(filter: TaskFilter = {}): Promise<Task[]> {
    const { pool } = await this.#open()
    return this.#verb('list', pool, () => list(queries(pool), this.#tables, filter))
  }

  async count(relation: TaskRelation): Promise<TaskCounts> {
    const { pool } = await this.#open()
    return this.#verb('count', pool, () => count(queries(pool), this.#tables, relation))
  }

  async reportProgress(workerId: WorkerId, progress: readonly TaskProgress[]): Promise<TaskId[]> {
    const { control: pool } = await this.#open()
    const run = () => reportProgress(pool, this.#schema, workerId, progress)
    return this.#verb('reportProgress', pool, run)
  }

  async progress(id: TaskId): Promise<ProgressReport[]> {
    const { pool } = await this.#open()
    return this.#verb('progress', pool, () => progressOf(queries(pool), this.#tables, id))
  }

  async recordCreation(record: CreationRecord): Promise<void> {
    const { control: pool } = await this.#open()
    await this.#verb('recordCreation', pool, () => recordCreation(pool, this.#schema, record))
  }

  async created(id: TaskId): Promise<CreatedResource[]> {
    const { pool } = await this.#open()
    return this.#verb('created', pool, () => creationsOf(queries(pool), this.#tables, id))
  }

  async createGroup(group: NewTaskGroup, { tx }: DispatchTarget<CallerTransaction> = {}) {
    const { pool } = await this.#open()
    const connection = tx === undefined ? pool : callerTransaction(tx, pool.address)
    const run = () => createGroup(queries(connection), this.#tables, group)
    await this.#verb('createGroup', pool, run, tx === undefined ? 'lost answer' : 'never')
  }

  async closeGroup(id: TaskGroupId): Promise<void> {
    const { pool } = await this.#open()
    await this.#verb('closeGroup', pool, () => closeGroup(pool, this.#schema, id))
  }

  async cancelGroup(id: TaskGroupId, reason?: string): Promise<GroupCancellation> {
    await this.closeGroup(id)
    const { pool, notifier } = await this.#open()
    const total = { canceled: 0, canceling: 0 }
    for (let more = true; more;) {
      const run = () => cancelMembers(this.#place(pool), id, reason)
      const outcome = await this.#verb('cancelGroup', pool, run, 'conflict')
      notifier.send(outcome.canceling.map((taskId) => ({ kind: 'cancel', taskId })))
      if (outcome.unblocked > 0) notifier.send([wakeup(null, outcome.unblocked)])
      total.canceled += outcome.canceled
      total.canceling += outcome.canceling.length
      more = outcome.more
    }
    return total
  }

  async groups(filter: TaskGroupFilter = {}): Promise<TaskGroupRecord[]> {
    const { pool } = await this.#open()
    return this.#verb('groups', pool, () => groups(queries(pool), this.#tables, filter))
  }

  async explain(id: TaskId): Promise<Explanation> {
    const [task] = await this.find([id])
    const { pool } = await this.#open()
    return this.#verb('explain', pool, () => explain(pool, this.#schema, id, task))
  }

  async resources(filter: LineFilter = {}): Promise<LineSummary[]> {
    const { pool } = await this.#open()
    return this.#verb('resources', pool, () => resources(pool, this.#schema, filter))
  }

  async line(resource: string, limit = 100): Promise<Line> {
    const { pool } = await this.#open()
    return this.#verb('line', pool, () => line(pool, this.#schema, resource, limit))
  }

  async setSchedule(schedule: NewSchedule): Promise<Schedule> {
    const { pool } = await this.#open()
    await this.#require([schedule.task])
    const run = () => setSchedule(queries(pool), this.#tables, schedule)
    return this.#verb('setSchedule', pool, run)
  }

  async schedules(name?: string): Promise<Schedule[]> {
    const { pool } = await this.#open()
    return this.#verb('schedules', pool, () => schedules(queries(pool), this.#tables, name))
  }

  async removeSchedule(name: string): Promise<boolean> {
    const { pool } = await this.#open()
    const run = () => removeSchedule(queries(pool), this.#tables, name)
    return this.#verb('removeSchedule', pool, run, 'conflict')
  }

  async planSchedule(plan: SchedulePlan): Promise<boolean> {
    const { pool } = await this.#open()
    const run = () => planSchedule(queries(pool), this.#tables, plan)
    return this.#verb('planSchedule', pool, run, 'conflict')
  }

  async dueSchedules(limit = 100): Promise<DueSchedules> {
    const { pool } = await this.#open()
    return this.#verb('dueSchedules', pool, () => dueSchedules(pool, this.#schema, limit))
  }

  async fireSchedule(firing: Firing): Promise<FiringOutcome> {
    const { pool, notifier } = await this.#open()
    const run = () => fireSchedule(this.#place(pool), firing)
    const { outcome, unblocked } = await this.#verb('fireSchedule', pool, run)
    const free = outcome.kind === 'fired' && !outcome.blocked ? 1 : 0
    if (free + unblocked > 0) notifier.send([wakeup(null, free + unblocked)])
    return outcome
  }

  async registerWorker(worker: WorkerRegistration): Promise<void> {
    const { control: pool } = await this.#open()
    await this.#verb('registerWorker', pool, () =>
      registerWorker(queries(pool), this.#tables, worker),
    )
  }

  async beat(id: WorkerId) {
    const { control: pool } = await this.#open()
    const answer = await this.#verb('beat', pool, () => beat(pool, this.#schema, id))
    this.#claimFloors.fleet = answer.fleet
    return answer
  }

  async unregisterWorker(id: WorkerId): Promise<void> {
    this.#claimFloors.forget(id)
    const { control: pool } = await this.#open()
    await this.#verb('unregisterWorker', pool, () => unregisterWorker(this.#place(pool), id))
  }

  async workers() {
    const { pool } = await this.#open()
    return this.#verb('workers', pool, () => workers(queries(pool), this.#tables))
  }

  async pauseQueue(queue: string, reason?: string): Promise<void> {
    const { pool } = await this.#open()
    await this.#verb('pauseQueue', pool, () => pauseQueue(pool, this.#schema, queue, reason))
  }

  async resumeQueue(queue: string): Promise<void> {
    const { pool, notifier } = await this.#open()
    await this.#verb('resumeQueue', pool, () => resumeQueue(pool, this.#schema, queue))
    notifier.send([{ kind: 'wakeup', queue }])
  }

  async queues(): Promise<QueueRecord[]> {
    const { pool } = await this.#open()
    return this.#verb('queues', pool, () => queues(pool, this.#schema))
  }

  async metrics(): Promise<Metrics> {
    const { pool } = await this.#open()
    return this.#verb('metrics', pool, () => metrics(pool, this.#schema))
  }

  async housekeep({ sweep = true }: { readonly sweep?: boolean } = {}) {
    const { control: pool, notifier } = await this.#open()
    const report = await this.#verb('housekeep', pool, () => housekeep(this.#place(pool), sweep))
    if (report.unblocked > 0) notifier.send([wakeup(null, report.unblocked)])
    return report
  }

  async promote() {
    // Not on the connections that keep a worker alive: it may wait a little for a lock.
    const { pool, notifier } = await this.#open()
    const { report, free } = await this.#verb('promote', pool, () => promote(pool, this.#schema))
    notifier.send([...free].map(([queue, tasks]) => wakeup(queue, tasks)))
    return report
  }

  async close(): Promise<void> {
    this.#closed = true
    const opened = await this.#opening?.catch(() => undefined)
    await this.#listener?.close()
    await opened?.notifier.flush()
    await Promise.all([opened?.pool.close(), opened?.control.close()])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #verb<T>(
    verb: string,
    pool: ConnectionPool,
    run: () => Promise<T>,
    repeatable: Repeatable = 'lost answer',
  ) {
    const { onVerb } = this.#options
    const instrument = {
      ...{ onVerb, address: pool.address, schema: this.#schema, clock: this.#clock },
    }
    return instrumented(instrument, verb, run, repeatable)
  }

  #dueSoon(tasks: readonly NewTask[]): readonly Signal[] {
    const now = this.#clock.now().getTime()
    return dueSignals(
      tasks.flatMap(({ delayMs, runAt }) => delayMs ?? (runAt ? runAt.getTime() - now : [])),
    )
  }

  // In a transaction of its own, which waits for nobody's and keeps nobody waiting.
  async #require(tasks: readonly Pick<NewTask, 'name' | 'options'>[]): Promise<void> {
    if (tasks.every(({ options }) => options?.requires === undefined)) return
    const { pool } = await this.#open()
    await this.#verb('require', pool, () => requireVersions(pool, this.#schema, tasks))
  }

  #place(connection: ConnectionPool): Place {
    return { connection, schema: this.#schema, clock: this.#clock }
  }

  #open(): Promise<Opened> {
    if (this.#closed) return Promise.reject(new Error('The store is closed.'))
    // A failed opening is forgotten, so that the next verb tries again.
    this.#opening ??= this.#connect().catch((error: unknown) => {
      this.#opening = undefined
      throw error
    })
    return this.#opening
  }

  async #connect(): Promise<Opened> {
    const pool = await this.#pool()
    try {
      const pooled = await isPooled(pool, this.#clock)
      if (pooled) await checkCommits(pool)
      await checkIsolation(pool)
      if (this.#options.migrate) await migrateSchema(pool, this.#schema)
      await checkSchema(pool, this.#schema)
      const listenUrl = this.#listenUrl(pooled)
      const channel = `${this.#schema}_signals`
      if (listenUrl !== undefined) this.#listener ??= new Listener(listenUrl, channel, this.#clock)
      const control = this.#control(pool)
      return { pool, control, notifier: new Notifier(control, channel, this.#clock) }
    } catch (error) {
      await pool.close().catch(() => undefined)
      throw translated(error, { address: pool.address, schema: this.#schema })
    }
  }

  async #pool(): Promise<ConnectionPool> {
    const options = this.#options
    if ('client' in options) return postgresJsPool(options.client, false)
    if ('pool' in options) return nodePostgresPool(options.pool, options.prepare ?? false)
    const prepare = options.prepare ?? !(await this.#isUrlPooled(options.url))
    return postgresJsPool(connect(options.url, options.poolSize ?? 10, prepare), true)
  }

  // A caller's own client or pool is all there is.
  #control(pool: ConnectionPool): ConnectionPool {
    const options = this.#options
    if (!('url' in options)) return pool
    return postgresJsPool(connect(options.url, controlConnections, pool.prepares), true)
  }

  async #isUrlPooled(url: string): Promise<boolean> {
    const probe = postgresJsPool(connect(url, 1, false), true)
    try {
      return await isPooled(probe, this.#clock)
    } catch (error) {
      throw translated(error, { address: probe.address, schema: this.#schema })
    } finally {
      await probe.close()
    }
  }

  #listenUrl(pooled: boolean): string | undefined {
    const { listen } = this.#options
    if (listen === false) return undefined
    if (listen !== undefined) return listen
    return 'url' in this.#options && !pooled ? this.#options.url : undefined
  }
}

function wakeups(
  tasks: readonly NewTask[],
  dispatched: readonly DispatchedTask[],
): readonly Signal[] {
  // What runs already, nobody is to claim.
  const claimable = dispatched.filter(({ state, blocked }) => state === 'waiting' && !blocked)
  const free = new Set(claimable.map(({ id }) => id))
  const queues = new Map<string, number>()
  for (const { id, queue } of tasks) {
    if (free.has(id)) queues.set(queue, (queues.get(queue) ?? 0) + 1)
  }
  return [...queues].map(([queue, count]) => wakeup(queue, count))
}

// What is due later, whoever does housekeeping finds out in time.
const soonMs = 5_000

function dueSignals(delaysMs: readonly number[]): readonly Signal[] {
  const inMs = Math.min(...delaysMs)
  return inMs > 0 && inMs < soonMs ? [{ kind: 'due', inMs }] : []
}

function retryDelayMs(completion: Completion): number[] {
  return completion.state === 'retry' ? [Math.max(1, completion.delayMs)] : []
}

function wakeup(queue: string | null, tasks: number): Signal {
  return { kind: 'wakeup', queue, tasks }
}

function connect(url: string, max: number, prepare: boolean): postgres.Sql {
  // postgres.js would send a statement behind one that waits for a lock, on the same connection.
  const oneAtATime = { max_pipeline: 1 }
  return postgres(url, {
    ...oneAtATime,
    max,
    prepare,
    fetch_types: false,
    connect_timeout: 10,
    onnotice: () => undefined,
    connection: { application_name: 'tasking' },
  })
}
