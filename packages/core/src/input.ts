import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { AnyTaskDefinition } from './definition.ts'
import { InvalidInputError } from './errors.ts'
import type { InputIssue } from './errors.ts'
import type { JsonValue } from './json.ts'

/**
 * The stored input as the definition's schema makes it for the handler.
 * @throws InvalidInputError naming each field that is wrong
 */
export async function parseInput(
  definition: AnyTaskDefinition,
  stored: JsonValue,
): Promise<unknown> {
  // A definition's input types are its callers' knowledge; here any JSON may come.
  const schema: StandardSchemaV1 | undefined = definition.input
  // A task without an input is stored as null, and most schemas tell the two apart.
  const missing = stored === null
  if (schema === undefined) return missing ? undefined : stored
  const outcome = await schema['~standard'].validate(missing ? undefined : stored)
  if (outcome.issues === undefined) return outcome.value
  if (missing) {
    const asNull = await schema['~standard'].validate(null)
    if (asNull.issues === undefined) return asNull.value
  }
  throw new InvalidInputError(definition.name, outcome.issues.map(toInputIssue))
}

function toInputIssue({ message, path = [] }: StandardSchemaV1.Issue): InputIssue {
  const keys = path.map((part) => String(typeof part === 'object' ? part.key : part))
  return { path: keys.join('.'), message }
}
