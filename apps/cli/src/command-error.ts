import { TaskingError } from '@tasking/core'

interface CommandErrorOptions {
  /** What to do now, for people. */
  readonly advice?: string
  /** The same and more, for programs: goes into the JSON form. */
  readonly details?: object
}

/** A command that can't be carried out, or not to its end. */
export class CommandError extends TaskingError {
  readonly advice: string | undefined
  readonly details: object | undefined

  constructor(code: string, message: string, { advice, details }: CommandErrorOptions = {}) {
    super(code, message)
    this.advice = advice
    this.details = details
  }
}

/** A command line that doesn't add up. */
export function wrongUsage(message: string): CommandError {
  return new CommandError('invalid_usage', message)
}
