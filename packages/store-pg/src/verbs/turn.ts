import type {
  CancelRequest,
  ClaimedTask,
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

/** What the SQL function `claim_document` says of a task. */
type ClaimDocument = readonly [
  id: TaskId,
  fencingToken: string,
  name: string,
  queue: string,
  input: JsonValue,
  parentId: TaskId | null,
  exclusive: readonly string[] | null,
  shared: readonly string[] | null,
  counted: Resources['counted'] | null,
  options: TaskOptions | null,
  groupId: TaskGroupId | null,
  correlationId: string | null,
  attempt: number,
  orphan: Orphan | null,
]

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
  const [row] = await connection.query(
    `select "${schema}".turn(
       $1::text::uuid, $2::int, $3::text::jsonb, $4::text::jsonb, $5::text::jsonb, $6::text::jsonb
     )`,
    [
      workerId,
      slots,
      // Not by a replacer, which would be asked for every value.
      JSON.stringify(
        completions.map((one) => ({ ...one, fencingToken: String(one.fencingToken) })),
      ),
      JSON.stringify(looks),
      known === undefined ? null : JSON.stringify(known),
      from === undefined ? null : JSON.stringify(byQueue(from)),
    ],
  )
  const [document] = row as [TurnDocument]
  const { claimed, unblocked, lookMs, floors, nextDueMs, ...rest } = document
  const didNothing = claimed.length === 0 && completions.length === 0
  const isFull = claimed.length >= slots
  if (slots > 0) claimFloors.learn(workerId, from, { lookMs, floors, isFull })
  const claimedIds = new Set(claimed.map(([id]) => id))
  return {
    result: {
      ...{ ...rest, claimed: claimed.map(toClaimedTask), unblocked: unblocked.length },
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

function toClaimedTask(document: ClaimDocument): ClaimedTask {
  const [id, fencingToken, name, queue, input, parentId, exclusive, shared, counted, ...rest] =
    document
  const [options, groupId, correlationId, attempt, orphan] = rest
  return {
    ...{ id, name, queue, input, parentId, groupId, correlationId, attempt },
    fencingToken: BigInt(fencingToken),
    resources: resourcesOf(exclusive ?? [], shared ?? [], counted),
    ...(options && { options }),
    ...(orphan && { orphan }),
  }
}
