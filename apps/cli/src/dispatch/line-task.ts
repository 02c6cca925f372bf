import type { DispatchOptions, JsonValue } from '@tasking/core'
import type { NamedResources } from './task-source.ts'

/** What a line asks for. */
export interface LineTask {
  readonly name: string
  readonly input: JsonValue | undefined
  readonly resources: NamedResources
  readonly options: DispatchOptions
}

/** What is wrong with a line. */
export class LineProblem extends Error {}

const keys = ['name', 'input', 'exclusive', 'shared', 'queue', 'priority']

const utf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * The task that a line of NDJSON describes, or `undefined` for a blank line.
 * @throws LineProblem
 */
export function parseLine(bytes: Uint8Array): LineTask | undefined {
  const text = decoded(bytes)
  if (text.trim() === '') return undefined
  const value = parsed(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new LineProblem(`it must be an object such as {"name": "…", "input": …}`)
  }
  const fields = value as Readonly<Record<string, unknown>>
  const stranger = Object.keys(fields).find((key) => !keys.includes(key))
  if (stranger !== undefined) {
    throw new LineProblem(`unknown key ${JSON.stringify(stranger)} (there are: ${keys.join(', ')})`)
  }
  const { name, input, exclusive, shared, queue, priority } = fields
  if (name === undefined) throw new LineProblem('"name" is missing')
  return {
    name: textIn('name', name),
    input: input as JsonValue | undefined,
    resources: {
      ...(exclusive !== undefined && { exclusive: namesIn('exclusive', exclusive) }),
      ...(shared !== undefined && { shared: namesIn('shared', shared) }),
    },
    options: {
      ...(queue !== undefined && { queue: textIn('queue', queue) }),
      ...(priority !== undefined && { priority: numberIn('priority', priority) }),
    },
  }
}

function decoded(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch (cause) {
    throw new LineProblem('it is not UTF-8', { cause })
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new LineProblem(`it is not JSON: ${why}`, { cause })
  }
}

function textIn(key: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return value
  throw new LineProblem(`"${key}" must be a text that isn't empty`)
}

function numberIn(key: string, value: unknown): number {
  if (Number.isInteger(value)) return Number(value)
  throw new LineProblem(`"${key}" must be a whole number`)
}

function namesIn(key: string, value: unknown): string[] {
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value
  throw new LineProblem(`"${key}" must be an array of names`)
}
