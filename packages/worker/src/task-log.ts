import type { ClaimedTask, Logger } from '@tasking/core'

/** What a log says of a task. */
export type LoggedTask = Pick<ClaimedTask, 'id' | 'name' | 'correlationId'>

/** A logger whose every line says which task it is about. */
export function taskLog(logger: Logger, { id, name, correlationId }: LoggedTask): Logger {
  const fields = { taskId: id, task: name }
  return logger.child(correlationId === null ? fields : { ...fields, correlationId })
}
