import type { JsonValue } from '../json.ts'
import { normalizeResources } from '../resource.ts'
import type { ResourceRequest } from '../resource.ts'
import type { Signal } from '../signal.ts'
import type { Completion } from '../completion.ts'
import type { Store } from '../store.ts'
import type { Look, TurnResult } from '../turn.ts'
import type { WorkerRegistration } from '../worker.ts'
import type { ClaimedTask, NewTask, Task, TaskId, TwinRule, WorkerId } from '../task.ts'

/** Fails the case unless the two are the same JSON; the order of keys doesn't count. */
export function same(found: unknown, wanted: unknown, what: string): void {
  const [a, b] = [found, wanted].map((value) => JSON.stringify(value, canonical))
  if (a !== b) throw new Error(`${what}: found ${a}, not ${b}`)
}

function canonical(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

/** Fails the case unless the promise rejects with this code. */
export async function rejects(promise: Promise<unknown>, code: string): Promise<void> {
  same((await errorOf(promise))['code'], code, 'code of the error')
}

/** What the promise rejects with; fails the case if it resolves. */
export async function errorOf(promise: Promise<unknown>): Promise<ErrorWithMore> {
  return promise.then(
    () => {
      throw new Error('resolved, but should reject')
    },
    (reason: ErrorWithMore) => reason,
  )
}

type ErrorWithMore = Error & Partial<Record<string, unknown>>

/** A new task, with what the case doesn't care about filled in. */
export function taskOf(
  store: Store,
  request: ResourceRequest = {},
  rest: Partial<NewTask> = {},
): NewTask {
  return {
    id: store.newId(),
    name: 'task',
    input: null,
    resources: normalizeResources(request),
    queue: 'default',
    priority: 0,
    ...rest,
  }
}

/** A task with the key `k`, at the resource `r` unless told otherwise. */
export function keyed(
  store: Store,
  ifTwin: TwinRule,
  request: ResourceRequest = { exclusive: ['r'] },
  rest: Partial<NewTask> = {},
): NewTask {
  return taskOf(store, request, { dedupeKey: 'k', ifTwin, ...rest })
}

/** The ids of tasks, in their order. */
export const idsOf = (tasks: readonly { readonly id: string }[]) => tasks.map(({ id }) => id)

/** A worker that a case drives by hand, one turn at a time. */
export class HandWorker {
  readonly id: WorkerId
  readonly #store: Store
  #looks: readonly Look[] = []

  private constructor(store: Store, id: WorkerId) {
    this.#store = store
    this.id = id
  }

  static async register(store: Store, rest: Partial<WorkerRegistration> = {}): Promise<HandWorker> {
    const worker = new HandWorker(store, store.newId())
    await store.registerWorker({
      id: worker.id,
      name: 'by hand',
      ttlMs: 60_000,
      concurrency: 10,
      queues: ['default'],
      taskNames: ['task'],
      version: '1',
      ...rest,
    })
    return worker
  }

  async turn(slots: number, completions: readonly Completion[] = [], known?: readonly TaskId[]) {
    const result: TurnResult = await this.#store.turn({
      workerId: this.id,
      slots,
      completions,
      looks: this.#looks,
      ...(known && { known }),
    })
    this.#looks = result.looks
    return result
  }

  /** Claims into so many slots. */
  async claim(slots: number): Promise<readonly ClaimedTask[]> {
    return (await this.turn(slots)).claimed
  }

  /** Completes tasks, and claims nothing. */
  async complete(...tasks: ClaimedTask[]): Promise<TurnResult> {
    return this.turn(0, tasks.map(completed))
  }
}

export function completed({ id, fencingToken }: ClaimedTask): Completion {
  return { id, fencingToken, state: 'completed', result: null }
}

export function failed({ id, fencingToken }: ClaimedTask): Completion {
  return { id, fencingToken, state: 'failed', error: { name: 'Error', message: 'no luck' } }
}

export function retried(
  { id, fencingToken }: ClaimedTask,
  { delayMs = 0, keepPlace = false } = {},
): Completion {
  const error = { name: 'Error', message: 'not yet' }
  return { id, fencingToken, state: 'retry', error, delayMs, keepPlace }
}

/** Has its handler create something, which it never completes; refused where it isn't its worker's. */
export async function leaveBehind(
  store: Store,
  workerId: WorkerId,
  { id, fencingToken }: ClaimedTask,
): Promise<void> {
  await store
    .recordCreation({ id, workerId, fencingToken, resources: ['half'], state: 'incomplete' })
    .catch(() => undefined)
}

/** The record of a task that must be there. */
export async function load(store: Store, id: TaskId): Promise<Task> {
  const [task] = await store.find([id])
  if (task === undefined) throw new Error(`no task ${id}`)
  return task
}

/** The only item of a list. */
export function only<T>(items: readonly T[]): T {
  const [first, ...rest] = items
  if (first === undefined || rest.length > 0) throw new Error(`${items.length} items, not 1`)
  return first
}

/** What tasks are told apart by in a case. */
export function inputs(tasks: readonly ClaimedTask[]): JsonValue[] {
  return tasks.map(({ input }) => input)
}

/** What is heard while somebody listens. */
export interface Heard {
  /** Resolves as soon as there was such a signal. */
  until(condition: (signal: Signal) => boolean): Promise<void>
  end(): Promise<void>
}

/** Listens to the store's signals; `undefined` for a store that has none. */
export async function listenTo(store: Store): Promise<Heard | undefined> {
  if (store.signals === undefined) await store.check()
  const { signals } = store
  if (signals === undefined) return undefined
  const seen: Signal[] = []
  let told: () => void = () => undefined
  const end = await signals.subscribe(
    (signal) => {
      seen.push(signal)
      told()
    },
    () => undefined,
  )
  return {
    async until(condition) {
      while (!seen.some(condition)) await new Promise<void>((resolve) => (told = resolve))
    },
    end,
  }
}
