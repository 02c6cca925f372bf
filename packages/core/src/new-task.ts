import { checkedCorrelationId, correlationId as currentCorrelationId } from './correlation.ts'
import type { AnyTaskDefinition } from './definition.ts'
import { milliseconds, timeoutMilliseconds } from './duration.ts'
import type { Duration } from './duration.ts'
import { InvalidOptionError } from './errors.ts'
import { checkedGroupId, groupResource } from './group.ts'
import { immediatePriority } from './immediate.ts'
import { parseInput } from './input.ts'
import { throughJson } from './json.ts'
import { isName } from './name.ts'
import { normalizeResources } from './resource.ts'
import type { ResourceRequest } from './resource.ts'
import { recoveryOf } from './retry.ts'
import type { BlockedRule, NewTask, TaskGroupId, TaskId, TaskOptions, TwinRule } from './task.ts'
import { checkedVersions } from './version.ts'
import type { Versions } from './version.ts'

/** The queue of tasks that name none. */
export const defaultQueue = 'default'

export interface DispatchOptions {
  /** Instead of the definition's. */
  readonly queue?: string
  /** Instead of the definition's. A whole number; higher goes first. */
  readonly priority?: number
  /** The task whose handler dispatches this one. */
  readonly parentId?: TaskId
  /** The group that it belongs to, or its id. */
  readonly group?: TaskGroupId | { readonly id: TaskGroupId }
  /**
   * What the caller recognises its work by, in logs and in lists. At most 200 characters. Default
   * the one that this runs under: that of `withCorrelationId`, or of the task whose handler it is.
   */
  readonly correlationId?: string
  /**
   * At most one task of this definition and this key is incomplete. With a key alone, a dispatch
   * that finds such a twin returns it.
   */
  readonly dedupe?: string | { readonly key: string; readonly ifTwin?: TwinRule }
  /** What to do when something stands before it at one of its resources. Default `wait`. */
  readonly ifBlocked?: BlockedRule
  /** It isn't due before so long after the dispatch, and stands in no line until then. */
  readonly delay?: Duration
  /** It isn't due before this moment, and stands in no line until then. Not with `delay`. */
  readonly runAt?: Date
  /** How long its handler may run, instead of what the definition says. */
  readonly timeout?: Duration
  /** The least versions that its worker must have, instead of what the definition says. */
  readonly requires?: Versions
  /** Leaves an immediate task to workers if it is deferrable. Default as the tasking says. */
  readonly preferDefer?: boolean
}

const twinRules: readonly TwinRule[] = ['return', 'skip', 'replace']
const blockedRules: readonly BlockedRule[] = ['wait', 'skip', 'fail']
const longestKey = 200
const longestDelayMs = 36_525 * 86_400_000

/**
 * A task ready for the store: input checked in the form that a worker will get it, resources in
 * their normal form.
 * @throws NotJsonError, InvalidInputError, InvalidResourceError, InvalidOptionError
 */
export async function newTask(
  id: TaskId,
  definition: AnyTaskDefinition,
  input: unknown,
  options: DispatchOptions = {},
): Promise<NewTask> {
  const { name } = definition
  const stored = throughJson(input, `input of "${name}"`)
  const parsed = await parseInput(definition, stored)
  // A definition's rule takes what its own schema gives.
  const rule = definition.resources
  const request = typeof rule === 'function' ? rule(parsed as never) : rule
  const group = membership(options)
  return {
    id,
    name,
    input: stored,
    resources: normalizeResources(withGroup(group?.groupId, request)),
    queue: checkedQueue(options.queue ?? definition.queue ?? defaultQueue),
    priority: priorityOf(definition, options),
    ...(options.parentId !== undefined && { parentId: options.parentId }),
    ...group,
    ...correlation(options),
    ...checkedDedupe(options.dedupe),
    ...checkedIfBlocked(options.ifBlocked),
    ...checkedTime(options),
    ...taskOptions(definition, options),
  }
}

/** @throws InvalidOptionError */
export function checkedQueue(queue: unknown): string {
  if (isName(queue, 100)) return queue
  throw new InvalidOptionError('queue', queue, 'a queue name of 1 to 100 characters')
}

function membership({ group }: DispatchOptions): Required<Pick<NewTask, 'groupId'>> | undefined {
  if (group === undefined) return undefined
  return { groupId: checkedGroupId(typeof group === 'object' ? group.id : group) }
}

// The stronger mode wins: a finalizer has it exclusively.
function withGroup(
  groupId: TaskGroupId | undefined,
  request: ResourceRequest | undefined,
): ResourceRequest | undefined {
  if (groupId === undefined) return request
  return { ...request, shared: [...(request?.shared ?? []), groupResource(groupId)] }
}

function correlation({
  correlationId = currentCorrelationId(),
}: DispatchOptions): Pick<NewTask, 'correlationId'> | undefined {
  return correlationId === undefined
    ? undefined
    : { correlationId: checkedCorrelationId(correlationId) }
}

function checkedDedupe(
  dedupe: DispatchOptions['dedupe'],
): Pick<NewTask, 'dedupeKey' | 'ifTwin'> | undefined {
  if (dedupe === undefined) return undefined
  const { key, ifTwin = 'return' } = typeof dedupe === 'string' ? { key: dedupe } : dedupe
  if (!isName(key, longestKey)) {
    throw new InvalidOptionError('dedupe', key, `a key of 1 to ${longestKey} characters`)
  }
  if (!twinRules.includes(ifTwin)) {
    throw new InvalidOptionError('dedupe.ifTwin', ifTwin, `one of ${twinRules.join(', ')}`)
  }
  return { dedupeKey: key, ifTwin }
}

function checkedIfBlocked(
  ifBlocked: BlockedRule | undefined,
): Pick<NewTask, 'ifBlocked'> | undefined {
  if (ifBlocked === undefined || ifBlocked === 'wait') return undefined
  if (!blockedRules.includes(ifBlocked)) {
    throw new InvalidOptionError('ifBlocked', ifBlocked, `one of ${blockedRules.join(', ')}`)
  }
  return { ifBlocked }
}

function checkedTime({
  delay,
  runAt,
  ifBlocked = 'wait',
  group,
}: DispatchOptions): Pick<NewTask, 'delayMs' | 'runAt'> | undefined {
  if (delay === undefined && runAt === undefined) return undefined
  if (delay !== undefined && runAt !== undefined) {
    throw new InvalidOptionError('runAt', runAt, 'to be given together with a delay')
  }
  // Not in the group's line until then, it would not be waited for by the finalizer.
  if (group !== undefined) {
    throw new InvalidOptionError('group', group, 'for a task that is due later')
  }
  // What stands before it when it will be due, nobody knows yet.
  if (ifBlocked !== 'wait') {
    throw new InvalidOptionError(
      'ifBlocked',
      ifBlocked,
      '"wait", as a task that is due later needs',
    )
  }
  if (runAt !== undefined) return { runAt: checkedRunAt(runAt) }
  const delayMs = milliseconds(delay ?? 0, 'delay')
  if (delayMs <= longestDelayMs) return { delayMs }
  throw new InvalidOptionError('delay', delay, 'at most 100 years')
}

function checkedRunAt(runAt: Date): Date {
  const year = runAt instanceof Date ? runAt.getUTCFullYear() : Number.NaN
  // Others take only four digits.
  if (year >= 1 && year <= 9999) return runAt
  throw new InvalidOptionError('runAt', runAt, 'a valid Date of the years 1 to 9999')
}

function taskOptions(
  { retry, ifWorkerMissing, requires: own = {} }: AnyTaskDefinition,
  { timeout, requires = own }: DispatchOptions,
): Pick<NewTask, 'options'> | undefined {
  const options: TaskOptions = {
    ...(timeout !== undefined && { timeoutMs: timeoutMilliseconds(timeout) }),
    ...(ifWorkerMissing === 'retry' && retry !== undefined && { recovery: recoveryOf(retry) }),
    ...(Object.keys(requires).length > 0 && { requires: checkedVersions(requires, 'requires') }),
  }
  return Object.keys(options).length === 0 ? undefined : { options }
}

function priorityOf(
  { priority: usual = 0, immediate = false }: AnyTaskDefinition,
  { priority = usual }: DispatchOptions,
): number {
  return checkedPriority(priority) + (immediate ? immediatePriority : 0)
}

function checkedPriority(priority: unknown): number {
  if (Number.isInteger(priority) && Math.abs(Number(priority)) <= 1_000_000) return Number(priority)
  throw new InvalidOptionError('priority', priority, 'a whole number within ±1,000,000')
}
