import { CommanderError } from 'commander'
import { TaskingError } from '@tasking/core'

const usageCodes: ReadonlySet<string> = new Set([
  'invalid_usage',
  'invalid_option',
  'duplicate_task',
  'task_module_not_found',
  'task_module_failed',
  'task_module_empty',
  'typescript_unsupported',
])

/**
 * Says on standard error what went wrong, and what to do.
 * @returns the exit code: 2 for wrong usage, 1 for anything else, 0 where help was asked for
 */
export function reportFailure(error: unknown): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0
    console.error(`${error.message} [invalid_usage]`)
    console.error('Run "tasking-worker --help" for all options.')
    return 2
  }
  if (error instanceof TaskingError) {
    console.error(`error: ${error.message} [${error.code}]`)
    return usageCodes.has(error.code) ? 2 : 1
  }
  // Nobody expected it, so its stack is what helps.
  console.error('error:', error)
  return 1
}
