import { InvalidOptionError } from '@tasking/core'

/** @throws InvalidOptionError unless the name needs no quoting, and leaves room for a channel's */
export function checkSchemaName(schema: string): void {
  if (/^[a-z_][a-z0-9_]{0,49}$/.test(schema)) return
  const expected = 'a schema name of small letters, digits and underscores, at most 50'
  throw new InvalidOptionError('schema', schema, expected)
}

/** @throws InvalidOptionError unless it is a connection string */
export function checkUrl(url: string, option: 'url' | 'listen' = 'url'): void {
  if (URL.canParse(url) && /^postgres(?:ql)?:$/.test(new URL(url).protocol)) return
  // The text may hold a password: it isn't repeated.
  const expected = 'a URL such as postgres://user@host:5432/database'
  throw new InvalidOptionError(option, '(not shown)', expected)
}

/** An array as PostgreSQL's text, since drivers write arrays in different ways. */
export function arrayText(values: readonly (string | null)[]): string {
  return `{${values.map((value) => (value === null ? 'null' : quoted(value))).join(',')}}`
}

/** The same of what needs no quotes: ids, numbers and truth values. */
export function plainArrayText(values: readonly (string | number | bigint | boolean)[]): string {
  return `{${values.join(',')}}`
}

// Means itself in an array without quotes, unless it reads "null".
const plain = /^[\w./:-]+$/

function quoted(value: string): string {
  if (plain.test(value) && !/^null$/i.test(value)) return value
  return `"${/["\\]/.test(value) ? value.replaceAll(/["\\]/g, String.raw`\$&`) : value}"`
}
