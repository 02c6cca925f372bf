import { InvalidArgumentError } from 'commander'
import { InvalidOptionError, milliseconds } from '@tasking/core'
import type { Duration, Versions } from '@tasking/core'

/** A duration as it was written, so that later errors can show it. */
export function duration(text: string): Duration {
  try {
    milliseconds(text as Duration)
  } catch (error) {
    if (!(error instanceof InvalidOptionError)) throw error
    throw new InvalidArgumentError(`It must have a unit, such as '500ms', '5s', '10m' or '2h'.`)
  }
  return text as Duration
}

/** Durations with their names, as in "missing=1s,sweep=1m"; together with those that came before. */
export function durationsByName(
  text: string,
  before: Readonly<Record<string, Duration>> = {},
): Readonly<Record<string, Duration>> {
  return { ...before, ...byName(text, 'a duration, such as sweep=1m', duration) }
}

/** Versions with their names, as in "codec=2.1,core=1.4". */
export function versionsByName(text: string, before: Versions = {}): Versions {
  return { ...before, ...byName(text, 'a version, such as codec=2.1', String) }
}

function byName<T>(text: string, what: string, read: (value: string) => T): Record<string, T> {
  const pairs = listFromVariable(text).map((pair) => {
    const [, name, value] = /^([^=]+)=(.+)$/.exec(pair) ?? []
    if (name === undefined || value === undefined) {
      throw new InvalidArgumentError(`It must be a name and ${what}.`)
    }
    return [name, read(value)] as const
  })
  return Object.fromEntries(pairs)
}

export function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.')
  return Number(text)
}

/** A TCP port; 0 is any that is free. */
export function port(text: string): number {
  const number = wholeNumber(text)
  if (number > 65_535) throw new InvalidArgumentError('It must be a port from 0 to 65535.')
  return number
}

/** The address to LISTEN on; "false" is how a variable says --no-listen. */
export function listenAddress(text: string): string | false {
  if (text === 'false') return false
  if (URL.canParse(text) && /^postgres(?:ql)?:$/.test(new URL(text).protocol)) return text
  throw new InvalidArgumentError('It must be a URL such as postgres://user@host:5432/database.')
}

/** A variable has one value where a flag may have many: its commas separate. */
export function listFromVariable(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
}

/** A set but empty variable means the same as none: that is how Compose files leave one out. */
export function forgetEmptyVariables(): void {
  for (const [name, value] of Object.entries(process.env)) {
    if (name.startsWith('TASKING_') && value === '') delete process.env[name]
  }
}
