import { cyan, dim, green, red, yellow } from 'yoctocolors'
import { isFinal } from '@tasking/core'
import type { CountedRequest, Resources, Task, TaskCounts, TaskState } from '@tasking/core'
import { count } from './count.ts'
import { timeText } from './time-text.ts'

const paints: Readonly<Record<TaskState, (text: string) => string>> = {
  scheduled: dim,
  waiting: (text) => text,
  running: cyan,
  canceling: yellow,
  completed: green,
  failed: red,
  canceled: yellow,
  skipped: dim,
}

/**
 * The state in words; of a waiting task also whether something before it in line holds it up, of a
 * skipped one also why; of an orphan that it is cleaned up after.
 */
export function stateText({ state, unblockedAt, error, endsAs }: Task): string {
  if (endsAs !== null && state === 'waiting') return 'waiting (for its clean-up)'
  if (endsAs !== null && !isFinal(state)) return `${state} (its clean-up)`
  if (state === 'waiting') return waitingText(unblockedAt !== null)
  return error?.code !== undefined && state === 'skipped' ? `skipped (${error.code})` : state
}

export function waitingText(unblocked: boolean): string {
  return unblocked ? 'waiting (unblocked)' : 'waiting (blocked)'
}

export function paintState(text: string, { state }: Pick<Task, 'state'>): string {
  return paints[state](text)
}

/** Exclusive resources by name, counted and shared ones marked as such. */
export function resourcesText({ exclusive, shared, counted = [] }: Resources): string {
  return [
    ...exclusive,
    ...counted.map(countText),
    ...shared.map((name) => `${name} (shared)`),
  ].join(', ')
}

export function countText({ resource, amount, capacity }: Required<CountedRequest>): string {
  return `${resource} (${amount} of ${capacity})`
}

/** How many tasks are in each state, none of those where there are none: `2 running, 5 completed`. */
export function countsText(counts: TaskCounts): string {
  return Object.entries(counts)
    .flatMap(([state, tasks]) => (tasks > 0 ? [`${count(tasks)} ${state}`] : []))
    .join(', ')
}

/** How long it has been running, or ran. */
export function durationText({ startedAt, finishedAt }: Task, now: Date): string {
  if (startedAt === null) return ''
  return timeText((finishedAt ?? now).getTime() - startedAt.getTime())
}

/** When it is, or was, due. */
export function dueText(runAt: Date, now: Date): string {
  const inMs = runAt.getTime() - now.getTime()
  return inMs > 0 ? `due in ${timeText(inMs)}` : `due for ${timeText(-inMs)}`
}

export function ageText(since: Date, now: Date): string {
  return timeText(now.getTime() - since.getTime())
}
