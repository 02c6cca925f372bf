import type {
  CancelRequest,
  ClaimedTask,
  Completion,
  JsonValue,
  Look,
  Orphan,
  Resources,
  TaskGroupId,
  TaskId,
  TaskOptions,
  Turn,
  TurnResult,
} from '@tasking/core'
import { plainArrayText } from '../arguments.ts'
import type { ClaimFloors, Floors } from '../claim-floors.ts'
import type { Connection } from '../connection.ts'
import { resourcesOf } from './read.ts'

interface TurnDocument {
  readonly claimed: readonly ClaimDocument[]
  readonly refused: readonly TaskId[]
  readonly unsettled: readonly TaskId[]
  readonly canceling: readonly CancelRequest[]
  readonly looks: readonly Look[]
  readonly unblocked: readonly TaskId[]
  readonly lookMs: number
  readonly floors: Floors
  readonly nextDueMs: number | null
}

/** What the SQL function `hand_over` says of tasks: by columns, since that costs less than by rows. */
type ClaimDocument = readonly [
  fencingToken: string,
  ids: readonly TaskId[],
  names: readonly string[],
  queues: readonly string[],
  inputs: readonly JsonValue[],
  rests: readonly (RestDocument | null)[] | null,
]

/** What a task has that most have not. */
type RestDocument = readonly [
  exclusive: readonly string[],
  shared: readonly string[],
  counted: Resources['counted'] | null,
  parentId: TaskId | null,
  options: TaskOptions | null,
  groupId: TaskGroupId | null,
  correlationId: string | null,
  attempt: number,
  orphan: Orphan | null,
]

const nothingElse: RestDocument = [[], [], null, null, null, null, null, 1, null]

/** What a turn brought, and how many it unblocked but did not claim itself. */
export interface TurnOutcome {
  readonly result: TurnResult
  readonly leftOver: number
}

/** One call of the SQL function `turn`: one round trip, one commit. */
export async function turn(
  connection: Connection,
  schema: string,
  claimFloors: ClaimFloors,
  { workerId, slots, completions, looks, known }: Turn,
): Promise<TurnOutcome> {
  const from = claimFloors.next(workerId)
  const ends = completions.filter(isEnd)
  const [row] = await connection.query(
    `select "${schema}".turn(
       $1::text::uuid, $2::int, $3::text::jsonb, $4::text::jsonb, $5::text::jsonb, $6::text::jsonb,
       $7::text::uuid[], $8::text::bigint[], $9::text::jsonb, $10::text::boolean[],
       $11::text::jsonb, $12::text::uuid[]
     )`,
    [
      workerId,
      slots,
      // Not by a replacer, which would be asked for every value.
      JSON.stringify(
        completions
          .filter((one) => !isEnd(one))
          .map((one) => ({ ...one, fencingToken: String(one.fencingToken) })),
      ),
      JSON.stringify(looks),
      known === undefined ? null : JSON.stringify(known),
      from === undefined ? null : JSON.stringify(byQueue(from)),
      plainArrayText(ends.map(({ id }) => id)),
      plainArrayText(ends.map(({ fencingToken }) => fencingToken)),
      jsonColumn(ends.map((one) => (one.state === 'completed' ? one.result : null))),
      plainArrayText(
        ends.every(({ state }) => state === 'completed')
          ? []
          : ends.map(({ state }) => state !== 'completed'),
      ),
      jsonColumn(ends.map((one) => (one.state === 'completed' ? null : one.error))),
      plainArrayText(ends.filter(({ inTransaction }) => inTransaction).map(({ id }) => id)),
    ],
  )
  const [document] = row as [TurnDocument]
  const { claimed: batches, unblocked, lookMs, floors, nextDueMs, ...rest } = document
  const claimed = batches.flatMap(toClaimedTasks)
  const didNothing = claimed.length === 0 && completions.length === 0
  const isFull = claimed.length >= slots
  if (slots > 0) claimFloors.learn(workerId, from, { lookMs, floors, isFull })
  const claimedIds = new Set(claimed.map(({ id }) => id))
  return {
    result: {
      ...{ ...rest, claimed, unblocked: unblocked.length },
      ...(didNothing && { nextDueMs }),
    },
    leftOver: unblocked.filter((id) => !claimedIds.has(id)).length,
  }
}

function byQueue(floors: Floors): unknown {
  const queues = new Map<string, [name: string, floor: Floors[number][2]][]>()
  for (const [queue, name, floor] of floors) {
    queues.set(queue, [...(queues.get(queue) ?? []), [name, floor]])
  }
  return Object.fromEntries([...queues].map(([queue, names]) => [queue, Object.fromEntries(names)]))
}

type End = Exclude<Completion, { readonly state: 'retry' | 'orphan' }>

/** Not to be put back. */
function isEnd(one: Completion): one is End {
  return one.state !== 'retry' && one.state !== 'orphan'
}

function jsonColumn(values: readonly unknown[]): string {
  return values.every((value) => value === null) ? '[]' : JSON.stringify(values)
}

function toClaimedTasks([token, ids, names, queues, inputs, rests]: ClaimDocument): ClaimedTask[] {
  const fencingToken = BigInt(token)
  return ids.map((id, nth) => {
    const [exclusive, shared, counted, parentId, options, groupId, correlationId, attempt, orphan] =
      rests?.[nth] ?? nothingElse
    return {
      ...{ id, fencingToken, name: value(names, nth), queue: value(queues, nth) },
      ...{ input: value(inputs, nth), parentId, groupId, correlationId, attempt },
      resources: resourcesOf(exclusive, shared, counted),
      ...(options && { options }),
      ...(orphan && { orphan }),
    }
  })
}

function value<T>(column: readonly T[], nth: number): T {
  const found = column[nth]
  if (found === undefined) throw new RangeError(`a column of a claim ends before row ${nth}`)
  return found
}
