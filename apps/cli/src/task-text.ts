import { cyan, dim, green, red, yellow } from 'yoctocolors'
import type { Resources, Task, TaskState } from '@tasking/core'
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

/** The state in words; of a waiting task also whether something before it in line holds it up. */
export function stateText({ state, unblockedAt }: Task): string {
  if (state !== 'waiting') return state
  return unblockedAt === null ? 'waiting (blocked)' : 'waiting (unblocked)'
}

export function paintState(text: string, { state }: Task): string {
  return paints[state](text)
}

/** Exclusive resources by name, shared ones marked as such. */
export function resourcesText({ exclusive, shared }: Resources): string {
  return [...exclusive, ...shared.map((name) => `${name} (shared)`)].join(', ')
}

/** How long it has been running, or ran. */
export function durationText({ startedAt, finishedAt }: Task, now: Date): string {
  if (startedAt === null) return ''
  return timeText((finishedAt ?? now).getTime() - startedAt.getTime())
}

export function ageText(since: Date, now: Date): string {
  return timeText(now.getTime() - since.getTime())
}
