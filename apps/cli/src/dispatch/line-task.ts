import { InvalidArgumentError } from 'commander'
import type { CountedRequest, JsonValue, ResourceRequest } from '@tasking/core'
import { duration, moment } from './flag-values.ts'
import { blockedRules, twinRules } from './settings.ts'
import type { Settings } from './settings.ts'

/** What a line asks for. */
export interface LineTask {
  readonly name: string
  readonly input: JsonValue | undefined
  readonly resources: ResourceRequest
  readonly settings: Settings
}

/** What is wrong with a line. */
export class LineProblem extends Error {}

const keys = [
  ...['name', 'input', 'exclusive', 'shared', 'counted', 'queue', 'priority'],
  ...['dedupe', 'ifTwin', 'ifBlocked', 'group', 'correlationId', 'delay', 'runAt'],
]
const countKeys = ['resource', 'amount', 'capacity']

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
  checkKeys(fields, keys)
  const { name, input, exclusive, shared, counted, ...rest } = fields
  if (name === undefined) throw new LineProblem('"name" is missing')
  return {
    name: textIn('name', name),
    input: input as JsonValue | undefined,
    resources: {
      ...(exclusive !== undefined && { exclusive: namesIn('exclusive', exclusive) }),
      ...(shared !== undefined && { shared: namesIn('shared', shared) }),
      ...(counted !== undefined && { counted: countsIn('counted', counted) }),
    },
    settings: settingsIn(rest),
  }
}

function settingsIn(fields: Readonly<Record<string, unknown>>): Settings {
  const { queue, priority, dedupe, ifTwin, ifBlocked, group, correlationId } = fields
  const { delay, runAt } = fields
  if (ifTwin !== undefined && dedupe === undefined) {
    throw new LineProblem('"ifTwin" goes with "dedupe"')
  }
  return {
    ...(queue !== undefined && { queue: textIn('queue', queue) }),
    ...(priority !== undefined && { priority: numberIn('priority', priority) }),
    ...(group !== undefined && { group: textIn('group', group) }),
    ...(correlationId !== undefined && { correlationId: textIn('correlationId', correlationId) }),
    ...(dedupe !== undefined && { dedupe: textIn('dedupe', dedupe) }),
    ...(ifTwin !== undefined && { ifTwin: oneOf(twinRules, 'ifTwin', ifTwin) }),
    ...(ifBlocked !== undefined && { ifBlocked: oneOf(blockedRules, 'ifBlocked', ifBlocked) }),
    ...timeIn(delay, runAt),
  }
}

// A line's own time takes the place of the flag's, be it a delay or not.
function timeIn(delay: unknown, runAt: unknown): Settings {
  if (delay !== undefined && runAt !== undefined) {
    throw new LineProblem('"delay" does not go with "runAt"')
  }
  if (delay !== undefined) return { delay: parsedBy(duration, 'delay', delay) }
  return runAt === undefined ? {} : { runAt: parsedBy(moment, 'runAt', runAt) }
}

function parsedBy<T>(parse: (text: string) => T, key: string, value: unknown): T {
  try {
    return parse(textIn(key, value))
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error
    throw new LineProblem(`"${key}": ${error.message.replace(/\.$/, '')}`)
  }
}

function checkKeys(fields: object, known: readonly string[]): void {
  const stranger = Object.keys(fields).find((key) => !known.includes(key))
  if (stranger === undefined) return
  throw new LineProblem(`unknown key ${JSON.stringify(stranger)} (there are: ${known.join(', ')})`)
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

function oneOf<Rule extends string>(rules: readonly Rule[], key: string, value: unknown): Rule {
  const found = rules.find((rule) => rule === value)
  if (found !== undefined) return found
  throw new LineProblem(`"${key}" must be one of ${rules.join(', ')}`)
}

// What the amounts and capacities may be, the dispatch knows.
function countsIn(key: string, value: unknown): CountedRequest[] {
  const example = '[{"resource": "gpu", "amount": 2, "capacity": 8}]'
  if (!Array.isArray(value)) throw new LineProblem(`"${key}" must be an array such as ${example}`)
  return value.map((entry: unknown) => {
    if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) {
      throw new LineProblem(`"${key}" must be an array such as ${example}`)
    }
    checkKeys(entry, countKeys)
    const { resource, amount, capacity } = entry as Readonly<Record<string, unknown>>
    return {
      resource: textIn('resource', resource),
      ...(amount !== undefined && { amount: numberIn('amount', amount) }),
      capacity: numberIn('capacity', capacity),
    }
  })
}
