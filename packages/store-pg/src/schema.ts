import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  check,
  customType,
  doublePrecision,
  index,
  integer,
  pgSchema,
  primaryKey,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core'
import { creationStates, taskStates } from '@tasking/core'
import type {
  JsonValue,
  OrphanEnd,
  Resources,
  ScheduledTask,
  TaskError,
  TaskOptions,
  Timing,
  Versions,
} from '@tasking/core'

/** Where the tables live unless told otherwise. The generated migrations are written for it. */
export const defaultSchema = 'tasking'

// Byte order: resource names are identifiers, and comparing them by a language's rules is slow.
const identifier = customType<{ data: string }>({ dataType: () => 'text collate "C"' })

// Drivers parse JSON themselves; Drizzle's own type would parse a string a second time.
const json = <T>(name: string) => customType<{ data: T }>({ dataType: () => 'jsonb' })(name)

const time = (name: string) => timestamp(name, { withTimezone: true })

/** The tables, in the schema of this name. */
export function tablesIn(schemaName: string) {
  const schema = pgSchema(schemaName)
  const taskState = schema.enum('task_state', taskStates)
  const creationState = schema.enum('creation_state', creationStates)
  // From the weakest to the strongest: the protocol asks for the strongest of several.
  const reservationMode = schema.enum('reservation_mode', ['shared', 'counted', 'exclusive'])

  /** One row per task for its whole life. The partial indexes cover incomplete tasks only. */
  const task = schema.table(
    'task',
    {
      id: uuid('id').primaryKey(),
      name: text('name').notNull(),
      state: taskState('state').notNull(),
      queue: text('queue').notNull(),
      priority: integer('priority').notNull(),
      position: bigint('position', { mode: 'bigint' }).notNull(),
      exclusive: text('exclusive').array().notNull(),
      shared: text('shared').array().notNull(),
      workerId: uuid('worker_id'),
      fencingToken: bigint('fencing_token', { mode: 'bigint' }),
      parentId: uuid('parent_id'),
      dedupeKey: text('dedupe_key'),
      counted: json<Resources['counted']>('counted'),
      options: json<TaskOptions>('options'),
      groupId: uuid('group_id'),
      correlationId: text('correlation_id'),
      // Here it mostly takes no room: the next one begins at a multiple of eight bytes.
      attempt: integer('attempt').notNull().default(1),
      /** How an orphan ends once it is cleaned up after; null for every other task. */
      endsAs: taskState('ends_as').$type<OrphanEnd>(),
      dispatchedAt: time('dispatched_at').notNull(),
      unblockedAt: time('unblocked_at'),
      startedAt: time('started_at'),
      finishedAt: time('finished_at'),
      runAt: time('run_at'),
      cancelReason: text('cancel_reason'),
      input: json<JsonValue>('input'),
      result: json<JsonValue>('result'),
      error: json<TaskError>('error'),
    },
    (t) => [
      index('task_claim')
        // All in one direction, so that a claim can go on from a place in it.
        .on(
          t.queue,
          // Those that require versions stand apart, by what they require.
          sql`coalesce(${t.name} || chr(31) || (${t.options} ->> 'requires'), ${t.name})`,
          sql`(- ${t.priority})`,
          t.position,
        )
        .where(sql`${t.state} = 'waiting' and ${t.unblockedAt} is not null`),
      // By state, so that every turn can afford to ask for the canceling ones.
      index('task_owned')
        .on(t.workerId, t.state)
        .where(sql`${t.state} in ('running', 'canceling')`),
      index('task_scheduled')
        .on(t.runAt, t.id)
        .where(sql`${t.state} = 'scheduled'`),
      // Nearly always empty, so that housekeeping can afford to ask it.
      index('task_orphaned')
        .on(t.id)
        .where(sql`${t.endsAs} is not null and ${t.state} = 'waiting'`),
      // Nearly always empty, too: of those that some worker is yet to claim by what they require.
      index('task_requiring')
        .on(sql`(${t.name} || chr(31) || (${t.options} ->> 'requires'))`)
        .where(
          sql`(${t.options} ->> 'requires') is not null and ${t.state} in ('scheduled', 'waiting')`,
        ),
      // What a purge looks for. Most tasks complete; those are found by their ids, for nothing.
      index('task_ended')
        .on(t.state, t.id)
        .where(sql`${t.state} in ('failed', 'canceled', 'skipped')`),
      uniqueIndex('task_dedupe')
        .on(t.name, t.dedupeKey)
        .where(
          sql`${t.dedupeKey} is not null and ${t.state} in ('scheduled', 'waiting', 'running', 'canceling')`,
        ),
      // Of tasks with such relations only. A state that changes renews a task's entries anyway.
      index('task_children')
        .on(t.parentId, t.state)
        .where(sql`${t.parentId} is not null`),
      index('task_members')
        .on(t.groupId, t.state)
        .where(sql`${t.groupId} is not null`),
      // With few comparisons and no lists: a server reads and plans these anew for each statement.
      check(
        'task_running_has_owner',
        sql`${t.state} < 'running' or ${t.state} > 'canceling' or (${t.workerId} is not null and ${t.fencingToken} is not null and ${t.startedAt} is not null and ${t.unblockedAt} is not null)`,
      ),
      // Few tasks are scheduled or orphans, so nearly none pays for the call; the whole row is one thing to read.
      check(
        'task_special_is_sound',
        sql`(${t.state} <> 'scheduled' and ${t.endsAs} is null) or "tasking".may_be_special("tasking"."task".*)`,
      ),
      check(
        'task_final_is_finished',
        sql`(${t.state} >= 'completed') = (${t.finishedAt} is not null)`,
      ),
    ],
  )

  /** A place in line: there while its task is incomplete. "Blocked" is derived from it. */
  const reservation = schema.table(
    'reservation',
    {
      resource: identifier('resource').notNull(),
      position: bigint('position', { mode: 'bigint' }).notNull(),
      mode: reservationMode('mode').notNull(),
      taskId: uuid('task_id').notNull(),
      amount: integer('amount'),
      capacity: integer('capacity'),
    },
    (r) => [
      primaryKey({ columns: [r.resource, r.position] }),
      index('reservation_exclusive')
        .on(r.resource, r.position)
        .where(sql`${r.mode} = 'exclusive'`),
      index('reservation_counted')
        .on(r.resource, r.position)
        .where(sql`${r.mode} = 'counted'`),
      check(
        'reservation_counted_fits',
        sql`${r.mode} <> 'counted' or "tasking".is_share(${r.amount}, ${r.capacity}) is true`,
      ),
    ],
  )

  /** One row per process that runs tasks, from its start until it leaves or goes missing. */
  const appStatus = schema.table('app_status', {
    id: uuid('id').primaryKey(),
    name: text('name').notNull(),
    version: text('version').notNull(),
    ttlMs: integer('ttl_ms').notNull(),
    concurrency: integer('concurrency').notNull(),
    auxiliary: boolean('auxiliary').notNull().default(false),
    queues: text('queues').array().notNull(),
    taskNames: text('task_names').array().notNull(),
    /** What is left of the queues while some are paused; null for all. */
    serving: text('serving').array(),
    versions: json<Versions>('versions'),
    /** The names and what it fulfils of their requirements; null for the names alone. */
    claimNames: text('claim_names').array(),
    /** The names of the tasks that it can clean up after; null for none. */
    cleansUp: text('cleans_up').array(),
    /** What its last count of a large fleet has found; null in a small one. */
    fleet: integer('fleet'),
    housekeepers: integer('housekeepers'),
    startedAt: time('started_at').notNull(),
    lastHeartbeatAt: time('last_heartbeat_at').notNull(),
  })

  /** What tasks require or have lately required, by their names. */
  const requirement = schema.table(
    'requirement',
    {
      name: text('name').notNull(),
      requires: json<Versions>('requires').notNull(),
      /** When a dispatch has asked for it last, give or take an hour. */
      askedAt: time('asked_at').notNull(),
    },
    (r) => [primaryKey({ columns: [r.name, r.requires] })],
  )

  /** Queues that nothing is claimed from for now. */
  const pausedQueue = schema.table('paused_queue', {
    queue: text('queue').primaryKey(),
    pausedAt: time('paused_at').notNull(),
    reason: text('reason'),
  })

  /** Tasks that belong together; which ones, they say themselves. */
  const taskGroup = schema.table('task_group', {
    id: uuid('id').primaryKey(),
    description: text('description'),
    createdAt: time('created_at').notNull(),
    closedAt: time('closed_at'),
    finalizerId: uuid('finalizer_id'),
  })

  /** One row per schedule, with the task that it dispatches as a dispatch takes it. */
  const schedule = schema.table(
    'schedule',
    {
      name: identifier('name').primaryKey(),
      timing: json<Timing>('timing').notNull(),
      task: json<ScheduledTask>('task').notNull(),
      revision: integer('revision').notNull(),
      lastTaskId: uuid('last_task_id'),
      nextAt: time('next_at'),
      pausedAt: time('paused_at'),
      lastFiredAt: time('last_fired_at'),
      lastSkippedAt: time('last_skipped_at'),
    },
    (s) => [
      index('schedule_due')
        .on(s.nextAt)
        .where(sql`${s.nextAt} is not null and ${s.pausedAt} is null`),
    ],
  )

  /** What a task has created, or was about to. */
  const createdResource = schema.table(
    'created_resource',
    {
      taskId: uuid('task_id').notNull(),
      resource: identifier('resource').notNull(),
      state: creationState('state').notNull(),
      createdAt: time('created_at').notNull(),
    },
    (c) => [primaryKey({ columns: [c.taskId, c.resource] })],
  )

  /** How far a task has come with something; the last word of its owner. */
  const progressReport = schema.table(
    'progress_report',
    {
      taskId: uuid('task_id').notNull(),
      code: text('code').notNull(),
      message: text('message').notNull(),
      done: doublePrecision('done').notNull(),
      total: doublePrecision('total'),
      suffix: text('suffix'),
      // Of the claim that it was written under, so that an older one can't overwrite it.
      fencingToken: bigint('fencing_token', { mode: 'bigint' }).notNull(),
      startedAt: time('started_at').notNull(),
      updatedAt: time('updated_at').notNull(),
    },
    (p) => [primaryKey({ columns: [p.taskId, p.code] })],
  )

  // One at a time: positions must grow with the commits of dispatchers that conflict.
  const position = schema.sequence('position', { cache: 1 })
  const fencingToken = schema.sequence('fencing_token', { cache: 1 })

  return {
    schema,
    taskState,
    reservationMode,
    task,
    reservation,
    appStatus,
    pausedQueue,
    requirement,
    taskGroup,
    schedule,
    progressReport,
    creationState,
    createdResource,
    position,
    fencingToken,
  }
}

export type Tables = ReturnType<typeof tablesIn>

/** The tables in the default schema: what the migrations are generated from. */
export const {
  schema,
  taskState,
  reservationMode,
  task,
  reservation,
  appStatus,
  pausedQueue,
  requirement,
  taskGroup,
  schedule,
  progressReport,
  creationState,
  createdResource,
  position,
  fencingToken,
} = tablesIn(defaultSchema)
