import { reservationsOf } from '../../src/index.ts'
import type { DispatchedTask, NewTask, TaskId } from '../../src/index.ts'
import { agree, fail } from './agree.ts'
import type { Row, View } from './books.ts'
import type { Isolation } from './engine.ts'
import { Refused } from './engine.ts'

/** How a statement was asked. */
export interface Circumstances {
  readonly isolation: Isolation
  /** Whether it has waited: then what the store decides may have changed on the way. */
  readonly waited: boolean
  /** Whether its transaction may have unblocked something before that is not to be seen yet. */
  readonly inTransaction: boolean
  /** Rows that a statement under way may have locked. */
  readonly maybeLocked: ReadonlySet<TaskId>
}

/** Takes a batch in as the model would, and compares what the store says of it. */
export function judgeDispatch(
  view: View,
  tasks: readonly NewTask[],
  answer: readonly DispatchedTask[] | Refused,
  circumstances: Circumstances,
): void {
  const sees = circumstances.isolation === 'read committed'
  const conditional = tasks.some(isConditional)
  if (!sees && conditional) return expectRefusal(answer, 'transaction_isolation')
  // Its later elements have waited, when its first ones had been decided on.
  const decidedBefore = circumstances.waited && conditional && tasks.length > 1
  for (const [index, task] of tasks.entries()) {
    // Where one is refused, the answer is for none of them.
    const element = answer instanceof Refused ? undefined : answer[index]
    if (decidedBefore && element !== undefined) {
      followAnswer(view, task, element)
      continue
    }
    const standing = standingFor(view, task)
    if (standing !== undefined) {
      if (element !== undefined) expectStanding(standing, element, circumstances)
      continue
    }
    replaceTwin(view, task)
    const twin = twinOf(view, task)
    const taken = twin === undefined && task.ifBlocked ? takenFrom(view, task) : undefined
    if (taken !== undefined && task.ifBlocked === 'fail') {
      return expectRefusal(answer, 'resources_busy', `${taken} ${index}`)
    }
    const skipped = twin !== undefined || taken !== undefined
    const state = skipped ? 'skipped' : 'waiting'
    const blocked = skipped || isBlocked(view, task, sees)
    view.add(task, state, !blocked)
    if (element) agree(element, { id: task.id, state, blocked }, `element ${index}`)
  }
  if (answer instanceof Refused) fail(`it should not be refused: ${answer.message}`)
  if (circumstances.waited) doubtTwins(view, tasks)
}

/** A twin that was waited for is locked, even if it has ended meanwhile. */
function doubtTwins(view: View, tasks: readonly NewTask[]): void {
  const keys = tasks.flatMap(({ ifTwin, dedupeKey }) => (ifTwin === 'replace' ? [dedupeKey] : []))
  for (const { id, dedupeKey } of view.rows) if (keys.includes(dedupeKey ?? '')) view.doubt(id)
}

export function isConditional({ dedupeKey, ifBlocked }: NewTask): boolean {
  return dedupeKey !== undefined || ifBlocked !== undefined
}

export function hasAny({ resources }: NewTask): boolean {
  return reservationsOf(resources).length > 0
}

export function expectRefusal(answer: unknown, code: Refused['code'], detail = ''): void {
  if (!(answer instanceof Refused)) fail(`it should be refused: ${code} ${detail}`)
  agree(`${answer.code} ${answer.detail}`, `${code} ${detail}`, 'refusal')
}

/** What is answered in place of a new task. */
function standingFor(view: View, task: NewTask): Row | undefined {
  const { ifTwin = 'return' } = task
  return view.get(task.id) ?? (ifTwin === 'return' ? twinOf(view, task) : undefined)
}

function expectStanding(
  { id, state, unblocked }: Row,
  element: DispatchedTask,
  { waited, inTransaction }: Circumstances,
): void {
  // A task that was replaced earlier in the batch may have made way; the laws say whether it had to.
  const isFreed = state === 'waiting' && !element.blocked
  const blocked = waited || inTransaction || isFreed ? element.blocked : !unblocked
  agree(element, { id, state, blocked }, 'what stands for the task')
}

function followAnswer(view: View, task: NewTask, { id, state, blocked }: DispatchedTask): void {
  const standing = view.get(id)
  if (standing !== undefined) return
  if (id !== task.id) fail(`${id} can't stand for ${task.id}`)
  replaceTwin(view, task)
  if (!blocked && isBlocked(view, task, true)) fail(`${id} is blocked`)
  view.add(task, state, !blocked)
}

function replaceTwin(view: View, task: NewTask): void {
  const twin = task.ifTwin === 'replace' ? twinOf(view, task) : undefined
  if (twin?.state === 'waiting') view.write({ ...twin, state: 'canceled' })
  else if (twin !== undefined) view.write({ ...twin, dedupeKey: null })
}

function isBlocked(view: View, task: NewTask, sees: boolean): boolean {
  return sees ? view.blockers(task.resources).length > 0 : hasAny(task)
}

function twinOf(view: View, { dedupeKey }: NewTask): Row | undefined {
  if (dedupeKey === undefined) return undefined
  return view.incomplete.find((row) => row.dedupeKey === dedupeKey)
}

/** The first resource by name that what is in line keeps the task from. */
function takenFrom(view: View, { resources }: NewTask): string | undefined {
  const { exclusive, shared, counted = [] } = resources
  return reservationsOf(resources)
    .map(({ resource }) => resource)
    .toSorted()
    .find((resource) => {
      const here = (name: string) => name === resource
      const part = {
        exclusive: exclusive.filter(here),
        shared: shared.filter(here),
        counted: counted.filter((count) => here(count.resource)),
      }
      return view.blockers(part).length > 0
    })
}
