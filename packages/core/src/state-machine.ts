/** Where a task stands. `docs/concepts.md` draws the way between them. */
export type TaskState =
  | 'scheduled'
  | 'waiting'
  | 'running'
  | 'canceling'
  | 'completed'
  | 'failed'
  | 'canceled'
  | 'skipped'

export const taskStates = [
  'scheduled',
  'waiting',
  'running',
  'canceling',
  'completed',
  'failed',
  'canceled',
  'skipped',
] as const satisfies readonly TaskState[]

/** What can happen to a task after its dispatch. */
export type TaskEvent =
  | 'due'
  | 'claim'
  | 'complete'
  | 'fail'
  | 'retry'
  | 'cancel'
  | 'lose'
  | 'recover'
  | 'orphan'
  | 'abandon'

export const taskEvents = [
  'due',
  'claim',
  'complete',
  'fail',
  'retry',
  'cancel',
  'lose',
  'recover',
  'orphan',
  'abandon',
] as const satisfies readonly TaskEvent[]

/** Who may cause an event. */
export type TaskActor = 'worker' | 'client' | 'housekeeping'

interface EventRule {
  readonly by: TaskActor
  /** Whether the task's row must still carry the actor's worker id and fencing token. */
  readonly ownerOnly: boolean
  readonly transitions: Readonly<Partial<Record<TaskState, TaskState>>>
}

/** The one place that says which transition is legal, who may make it and what it needs. */
export const eventRules: Readonly<Record<TaskEvent, EventRule>> = {
  due: { by: 'housekeeping', ownerOnly: false, transitions: { scheduled: 'waiting' } },
  claim: { by: 'worker', ownerOnly: false, transitions: { waiting: 'running' } },
  // Whoever asked to cancel was told that it will be; so a handler's late success doesn't count.
  complete: {
    by: 'worker',
    ownerOnly: true,
    transitions: { running: 'completed', canceling: 'canceled' },
  },
  fail: {
    by: 'worker',
    ownerOnly: true,
    transitions: { running: 'failed', canceling: 'canceled' },
  },
  // It failed, and is to be tried again. Whoever asked to cancel it was told that it will not.
  retry: {
    by: 'worker',
    ownerOnly: true,
    transitions: { running: 'scheduled', canceling: 'canceled' },
  },
  // Asking twice is no mistake: the first request stands. An orphan goes on waiting for its clean-up
  // where somebody can do it, and is canceled then.
  cancel: {
    by: 'client',
    ownerOnly: false,
    transitions: {
      scheduled: 'canceled',
      waiting: 'canceled',
      running: 'canceling',
      canceling: 'canceling',
    },
  },
  lose: {
    by: 'housekeeping',
    ownerOnly: false,
    transitions: { running: 'failed', canceling: 'canceled' },
  },
  // Its worker is gone, and its dispatch said that it is to be tried again then.
  recover: {
    by: 'housekeeping',
    ownerOnly: false,
    transitions: { running: 'scheduled', canceling: 'canceled' },
  },
  // Its worker is gone, and what it has left is to be cleaned up while it holds its resources: it
  // waits for a worker that does, and ends then as it would have. It never completes.
  orphan: {
    by: 'housekeeping',
    ownerOnly: false,
    transitions: { running: 'waiting', canceling: 'waiting' },
  },
  // An orphan that no living worker cleans up after any more. One that was canceled is canceled.
  abandon: { by: 'housekeeping', ownerOnly: false, transitions: { waiting: 'failed' } },
}

export const finalStates = [
  'completed',
  'failed',
  'canceled',
  'skipped',
] as const satisfies readonly TaskState[]

/** A state that there is no way out of. */
export type FinalState = (typeof finalStates)[number]

/** Whether there is no way out of the state any more. */
export function isFinal(state: TaskState): state is FinalState {
  return finalStates.some((final) => final === state)
}

/** The state that the event leads to, or `undefined` where it is not legal. */
export function nextState(state: TaskState, event: TaskEvent): TaskState | undefined {
  return eventRules[event].transitions[state]
}
