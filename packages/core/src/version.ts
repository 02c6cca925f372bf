import { InvalidOptionError } from './errors.ts'

/** Versions of components, by their names, such as `{ codec: '2.1' }`. */
export type Versions = Readonly<Record<string, string>>

const pattern = /^\d{1,9}(?:\.\d{1,9}){0,3}(?:-[\w.-]+)?(?:\+[\w.-]+)?$/

/**
 * @param option names the option in the error
 * @throws InvalidOptionError unless each is up to four numbers, perhaps with a pre-release
 */
export function checkedVersions(versions: Versions, option: string): Versions {
  for (const [component, version] of Object.entries(versions)) {
    if (pattern.test(version)) continue
    throw new InvalidOptionError(`${option}.${component}`, version, "a version such as '2.1.0'")
  }
  return versions
}

/**
 * Whether each component is there, in that version or a later one. Missing numbers are zeros; what
 * follows a hyphen makes it earlier than the release, and is not compared itself.
 */
export function satisfies(versions: Versions, minimum: Versions): boolean {
  return Object.entries(minimum).every(([component, least]) => {
    const version = versions[component]
    return version !== undefined && isAtLeast(version, least)
  })
}

function isAtLeast(version: string, least: string): boolean {
  const [a, b] = [partsOf(version), partsOf(least)]
  const differing = a.findIndex((part, index) => part !== b[index])
  return differing < 0 || (a[differing] ?? 0) > (b[differing] ?? 0)
}

function partsOf(version: string): number[] {
  const [whole = ''] = version.split('+')
  const [numbers = '', ...preRelease] = whole.split('-')
  const parts = numbers.split('.').map(Number)
  return [...Array.from({ length: 4 }, (_, n) => parts[n] ?? 0), preRelease.length > 0 ? 0 : 1]
}
