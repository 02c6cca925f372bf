/**
 * Where a handler runs: on the worker's own event loop, in a thread, or in a process with a working
 * directory of its own. A thread or a process can be killed, and its crash is the task's alone.
 */
export type Isolation = 'inline' | 'thread' | 'process'

export const isolations = ['inline', 'thread', 'process'] as const satisfies readonly Isolation[]
