import type { Task } from '@tasking/core'

/** Where the tasks of the demo stand at a moment. */
export interface Progress {
  readonly total: number
  readonly elapsedMs: number
  readonly dispatched: number
  readonly blocked: number
  readonly waiting: number
  readonly running: number
  readonly completed: number
  readonly failed: number
}

export function progressOf(tasks: readonly Task[], total: number, elapsedMs: number): Progress {
  const count = (...states: Task['state'][]) => tasks.filter((t) => states.includes(t.state)).length
  const blocked = tasks.filter((t) => t.state === 'waiting' && t.unblockedAt === null).length
  return {
    total,
    elapsedMs,
    dispatched: tasks.length,
    blocked,
    waiting: count('waiting', 'scheduled') - blocked,
    running: count('running', 'canceling'),
    completed: count('completed'),
    failed: count('failed', 'canceled', 'skipped'),
  }
}

/** Whether nothing is left to happen. */
export function isOver({ total, completed, failed }: Progress): boolean {
  return completed + failed >= total
}
