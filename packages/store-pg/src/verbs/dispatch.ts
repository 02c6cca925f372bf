import type {
  DispatchedTask,
  Look,
  NewTask,
  ReservationMode,
  TaskId,
  TaskState,
} from '@tasking/core'
import type { Connection } from '../connection.ts'
import { arrayText, plainArrayText } from '../arguments.ts'
import { codeOf } from '../errors.ts'
import { wakeup } from '../signals.ts'

/** What came of a batch. */
export interface DispatchOutcome {
  readonly dispatched: DispatchedTask[]
  /** Tasks that could move up, because one before them was replaced. */
  readonly unblocked: number
  /** What to look at again after the commit, for the same reason. */
  readonly looks: readonly Look[]
  /** Whether the commit has told of what is free. */
  readonly told: boolean
}

/**
 * One call of an SQL function: all tasks or none.
 * @param wake whether the commit of a single task may carry its own wake-up
 */
export async function dispatch(
  connection: Connection,
  schema: string,
  tasks: readonly NewTask[],
  wake = false,
): Promise<DispatchOutcome> {
  if (tasks.every(isUnconditional)) {
    const [first, second] = tasks
    if (first !== undefined && second === undefined) {
      const [dispatched, told] = await dispatchOne(connection, schema, first, wake)
      return { dispatched: [dispatched], unblocked: 0, looks: [], told }
    }
    const dispatched = await dispatchMany(connection, schema, tasks)
    return { dispatched, unblocked: 0, looks: [], told: false }
  }
  const rows = await connection.query(
    `select id, state, blocked, token::text, unblocked, looks
       from "${schema}".dispatch_batch($1::text::jsonb)`,
    [JSON.stringify(tasks.map(toBatchElement))],
  )
  return {
    dispatched: rows.map(toDispatchedTask),
    unblocked: rows.reduce((sum, row) => sum + Number(row[4]), 0),
    looks: rows.flatMap((row) => (row[5] as readonly Look[] | null) ?? []),
    told: false,
  }
}

function isUnconditional({ dedupeKey, ifBlocked, owner, delayMs, runAt }: NewTask): boolean {
  return [dedupeKey, ifBlocked, owner, delayMs, runAt].every((condition) => condition === undefined)
}

async function dispatchOne(
  connection: Connection,
  schema: string,
  { resources, options, ...task }: NewTask,
  wake: boolean,
): Promise<[DispatchedTask, told: boolean]> {
  const { id, name, queue, priority, input, parentId, groupId, correlationId } = task
  const { exclusive, shared, counted } = resources
  const carried = wake ? `"${schema}".wake_with_commit($13)` : 'false'
  const [row] = await connection.query(
    `select d.blocked, case when not d.blocked then ${carried} end
       from (
         select "${schema}".dispatch_one(
                  $1::text::uuid, $2, $3, $4::int, $5::text::jsonb, $6::text::text[],
                  $7::text::text[], $8::text::jsonb, $9::text::jsonb, $10::text::uuid,
                  $11::text::uuid, $12
                ) as blocked
       ) as d`,
    [
      ...[id, name, queue, priority, JSON.stringify(input)],
      ...[arrayText(exclusive), arrayText(shared)],
      ...[jsonText(counted), jsonText(options), parentId ?? null],
      ...[groupId ?? null, correlationId ?? null],
      ...(wake ? [JSON.stringify(wakeup(queue, 1))] : []),
    ],
  )
  return [toDispatchedTask([id, 'waiting', row?.[0]]), row?.[1] === true]
}

async function dispatchMany(
  connection: Connection,
  schema: string,
  tasks: readonly NewTask[],
): Promise<DispatchedTask[]> {
  const places = placesOf(tasks)
  const { names, alones } = linesOf(places)
  const column = (value: (task: NewTask) => string | null) => columnText(tasks.map(value))
  const [row] = await connection.query(
    `select to_json("${schema}".dispatch_many(
       $1::text::text[], $2::text::boolean[], $3::text::uuid[], $4::text::text[], $5::text::text[],
       $6::text::int[], $7::text::jsonb, $8::text::text[], $9::text::text[], $10::text::jsonb[],
       $11::text::jsonb[], $12::text::uuid[], $13::text::uuid[], $14::text::text[],
       $15::text::text[], $16::text::"${schema}".reservation_mode[], $17::text::int[],
       $18::text::int[], $19::text::int[]
     ))`,
    [
      arrayText(names),
      plainArrayText(alones),
      plainArrayText(tasks.map(({ id }) => id)),
      column(({ name }) => name),
      column(({ queue }) => queue),
      plainArrayText(tasks.map(({ priority }) => priority)),
      `[${tasks.map(({ input }) => JSON.stringify(input)).join(',')}]`,
      column(({ resources }) => arrayText(resources.exclusive)),
      column(({ resources }) => arrayText(resources.shared)),
      column(({ resources }) => jsonText(resources.counted)),
      column(({ options }) => jsonText(options)),
      column(({ parentId }) => parentId ?? null),
      column(({ groupId }) => groupId ?? null),
      column(({ correlationId }) => correlationId ?? null),
      arrayText(places.map(({ resource }) => resource)),
      plainArrayText(places.map(({ mode }) => mode)),
      columnText(places.map(({ amount }) => amount)),
      columnText(places.map(({ capacity }) => capacity)),
      plainArrayText(places.map(({ nth }) => nth)),
    ],
  )
  const [ids] = row as [readonly TaskId[]]
  const blocked = new Set(ids)
  return tasks.map(({ id }) => ({ id, state: 'waiting', blocked: blocked.has(id) }))
}

interface Place {
  readonly resource: string
  readonly mode: ReservationMode
  readonly amount: string | null
  readonly capacity: string | null
  /** Of which task, from 1 on. */
  readonly nth: number
}

/** The places of all, neighbors in the index of places one after another. */
function placesOf(tasks: readonly NewTask[]): Place[] {
  const places: Place[] = []
  tasks.forEach(({ resources: { exclusive, shared, counted = [] } }, n) => {
    const uncounted = { amount: null, capacity: null, nth: n + 1 }
    for (const resource of exclusive) places.push({ resource, mode: 'exclusive', ...uncounted })
    for (const resource of shared) places.push({ resource, mode: 'shared', ...uncounted })
    for (const { resource, amount, capacity } of counted) {
      const units = { amount: String(amount), capacity: String(capacity) }
      places.push({ resource, mode: 'counted', ...units, nth: n + 1 })
    }
  })
  return places.sort((one, other) => {
    if (one.resource === other.resource) return one.nth - other.nth
    return one.resource < other.resource ? -1 : 1
  })
}

/** Of sorted places, each resource, and whether some task needs it alone: two that only share one don't meet. */
function linesOf(places: readonly Place[]): { names: string[]; alones: boolean[] } {
  const names: string[] = []
  const alones: boolean[] = []
  for (const { resource, mode } of places) {
    if (names.at(-1) !== resource) {
      names.push(resource)
      alones.push(false)
    }
    if (mode !== 'shared') alones[alones.length - 1] = true
  }
  return { names, alones }
}

/** One value for each row; a column that ends early is filled with nulls. */
function columnText(values: readonly (string | null)[]): string {
  return arrayText(values.every((value) => value === null) ? [] : values)
}

/**
 * A dispatch that may be repeated: where an earlier attempt was committed although its answer was
 * lost, the tasks are there already, all of them, since a batch is one transaction.
 */
export async function dispatchOnce(
  connection: Connection,
  schema: string,
  tasks: readonly NewTask[],
  wake = false,
): Promise<DispatchOutcome> {
  try {
    return await dispatch(connection, schema, tasks, wake)
  } catch (error) {
    // A group that is closed now may have been open then.
    if (!['23505', 'TK003'].includes(codeOf(error) ?? '')) throw error
    const found = await dispatched(connection, schema, tasks)
    if (found.length < tasks.length) throw error
    return { dispatched: found, unblocked: 0, looks: [], told: false }
  }
}

async function dispatched(
  connection: Connection,
  schema: string,
  tasks: readonly NewTask[],
): Promise<DispatchedTask[]> {
  const rows = await connection.query(
    `select t.id, t.state, t.unblocked_at is null,
            case
              when t.worker_id = (wanted.task ->> 'owner')::uuid
                   and t.state in ('running', 'canceling') then t.fencing_token::text
            end
       from jsonb_array_elements($1::text::jsonb) with ordinality as wanted (task, ordinal)
       join "${schema}".task as t on t.id = (wanted.task ->> 'id')::uuid
      order by wanted.ordinal`,
    [JSON.stringify(tasks.map(({ id, owner }) => ({ id, owner })))],
  )
  return rows.map(toDispatchedTask)
}

function jsonText(value: object | undefined): string | null {
  return value === undefined ? null : JSON.stringify(value)
}

function toBatchElement({ resources, ...task }: NewTask) {
  return { ...task, ...resources }
}

function toDispatchedTask([id, state, blocked, token]: unknown[]): DispatchedTask {
  return {
    ...{ id: id as TaskId, state: state as TaskState, blocked: blocked as boolean },
    ...(typeof token === 'string' && { fencingToken: BigInt(token) }),
  }
}
