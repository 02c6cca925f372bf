export { drain } from './drain.ts'
export type { DrainOptions } from './drain.ts'
export { runTask } from './run-task.ts'
export type { RunTaskOptions } from './run-task.ts'
