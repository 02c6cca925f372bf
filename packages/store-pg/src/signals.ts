import type { Completion, DispatchedTask, NewTask, Signal } from '@tasking/core'

// What is due later, whoever does housekeeping finds out in time.
const soonMs = 5_000

/** Something may be there to claim: in this queue, or in any (null); so many tasks, if that is known. */
export function wakeup(queue: string | null, tasks?: number): Signal {
  return { kind: 'wakeup', queue, ...(tasks !== undefined && { tasks }) }
}

/** What a dispatch has to tell of: tasks that are free, and those that are due soon. */
export function signalsOfDispatch(
  tasks: readonly NewTask[],
  dispatched: readonly DispatchedTask[],
  now: Date,
): readonly Signal[] {
  const delaysMs = tasks.flatMap(
    ({ delayMs, runAt }) => delayMs ?? (runAt ? runAt.getTime() - now.getTime() : []),
  )
  return [...wakeups(tasks, dispatched), ...dueSignals(delaysMs)]
}

/** What the ends of handlers have to tell of: tasks that are tried again soon. */
export function signalsOfRetries(completions: readonly Completion[]): readonly Signal[] {
  return dueSignals(
    completions.flatMap((completion) =>
      completion.state === 'retry' ? [Math.max(1, completion.delayMs)] : [],
    ),
  )
}

function wakeups(
  tasks: readonly NewTask[],
  dispatched: readonly DispatchedTask[],
): readonly Signal[] {
  // What runs already, nobody is to claim.
  const claimable = dispatched.filter(({ state, blocked }) => state === 'waiting' && !blocked)
  const free = new Set(claimable.map(({ id }) => id))
  const queues = new Map<string, number>()
  for (const { id, queue } of tasks) {
    if (free.has(id)) queues.set(queue, (queues.get(queue) ?? 0) + 1)
  }
  return [...queues].map(([queue, count]) => wakeup(queue, count))
}

function dueSignals(delaysMs: readonly number[]): readonly Signal[] {
  const inMs = Math.min(...delaysMs)
  return inMs > 0 && inMs < soonMs ? [{ kind: 'due', inMs }] : []
}
