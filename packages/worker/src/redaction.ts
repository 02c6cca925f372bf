import { storableText } from '@tasking/core'
import type { Completion, Logger, TaskError, Tasking } from '@tasking/core'

const withheld: TaskError = {
  name: 'WithheldError',
  code: 'error_withheld',
  message: 'The error is withheld, since the rule that redacts errors failed.',
}

/** How a handler ended, with its error as the definition, or else the tasking, lets it be seen. */
export function redacted(
  completion: Completion,
  taskName: string,
  tasking: Tasking,
  log: Logger,
): Completion {
  const rule = tasking.definitions.get(taskName)?.redactError ?? tasking.redactError
  if (rule === undefined || !('error' in completion) || completion.error === null) return completion
  try {
    const { name, message, code, stack } = rule(completion.error)
    const error = {
      ...{ name: storableText(name), message: storableText(message) },
      ...(code !== undefined && { code: storableText(code) }),
      ...(stack !== undefined && { stack: storableText(stack) }),
    }
    return { ...completion, error }
  } catch (err) {
    // Its message may repeat what must not be seen.
    const failure = err instanceof Error ? err.name : typeof err
    log.error({ failure }, 'redactError threw')
    return { ...completion, error: withheld }
  }
}
