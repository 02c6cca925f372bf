import { CommanderError } from 'commander'
import { red } from 'yoctocolors'
import { TaskingError } from '@tasking/core'
import { CommandError } from './command-error.ts'
import { printable } from './printable.ts'

const usageCodes: ReadonlySet<string> = new Set([
  'invalid_usage',
  'invalid_option',
  'invalid_input',
  'invalid_json',
  'invalid_line',
  'invalid_resource',
  'not_json',
  'unknown_task',
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
export function reportFailure(error: unknown, json: boolean): number {
  if (error instanceof CommanderError && isHelp(error)) return error.exitCode === 0 ? 0 : 2
  const { code, message, advice, details, stack } = described(error)
  if (json) {
    console.error(JSON.stringify({ error: { code, message, ...details } }))
  } else {
    console.error(`${red('error:')} ${printable(message)} [${code}]`)
    if (advice !== undefined) console.error(advice)
    if (stack !== undefined) console.error(stack)
  }
  return usageCodes.has(code) ? 2 : 1
}

interface Description {
  readonly code: string
  readonly message: string
  readonly advice?: string | undefined
  readonly details?: object | undefined
  readonly stack?: string | undefined
}

function described(error: unknown): Description {
  if (error instanceof CommanderError) {
    const message = error.message.replace(/^error: /, '').replace(/\n\(/, ' (')
    return { code: 'invalid_usage', message, advice: 'Add --help to see what there is.' }
  }
  if (error instanceof TaskingError) {
    const { code, message } = error
    const { advice, details }: Partial<CommandError> = error instanceof CommandError ? error : {}
    return { code, message, advice, details }
  }
  // Nobody expected it, so its stack is what helps.
  if (error instanceof Error) {
    return { code: 'unexpected', message: error.message, stack: error.stack }
  }
  return { code: 'unexpected', message: String(error) }
}

function isHelp({ code }: CommanderError): boolean {
  return /^commander\.(?:help|helpDisplayed|version)$/.test(code)
}
