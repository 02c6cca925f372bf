import { TaskingError } from '@tasking/core'

/** A worker that stops can't end: inline handlers go on although they were told to stop. */
export class HandlersStuckError extends TaskingError {
  readonly taskNames: readonly string[]

  constructor(taskNames: readonly string[]) {
    const names = taskNames.map((name) => `"${name}"`).join(', ')
    super(
      'handlers_stuck',
      `Handlers of ${names} go on although their signals have aborted and their grace is over: only the end of this process ends them.`,
    )
    this.taskNames = taskNames
  }
}
