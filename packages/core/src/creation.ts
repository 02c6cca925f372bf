import { InvalidOptionError } from './errors.ts'
import { isName } from './name.ts'
import type { TaskError, TaskId, WorkerId } from './task.ts'

/** What is known of something that a task has created; `removed` once a clean-up has dealt with it. */
export const creationStates = ['incomplete', 'complete', 'removed'] as const
export type CreationState = (typeof creationStates)[number]

/** What a task has created, or was about to. */
export interface CreatedResource {
  readonly resource: string
  readonly state: CreationState
  readonly createdAt: Date
}

/** A handler's word on something that it creates, written at once. */
export interface CreationRecord {
  readonly id: TaskId
  readonly workerId: WorkerId
  readonly fencingToken: bigint
  readonly resources: readonly string[]
  readonly state: CreationState
}

/** What a store keeps of what tasks have created. */
export interface CreationStore {
  /** Keeps what a handler says of something that it creates. @throws TaskLostError */
  recordCreation(record: CreationRecord): Promise<void>
  /** What a task has created, in the order in which it was named first. */
  created(id: TaskId): Promise<CreatedResource[]>
}

/** What a handler that did not complete its task has left. */
export interface LeftOver<Input> {
  readonly input: Input
  /** What it has created and not called complete. */
  readonly created: readonly string[]
  /** Why the task ends; `null` where it was canceled. */
  readonly error: TaskError | null
}

/** @throws InvalidOptionError */
export function checkedCreation(resource: unknown): string {
  if (isName(resource, 1_000)) return resource
  throw new InvalidOptionError('created', resource, 'a name of 1 to 1,000 characters')
}
