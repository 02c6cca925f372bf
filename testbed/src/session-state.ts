import type { LoggedStatement } from './statement-log.ts'

// What a session keeps beyond its transaction, by the statements that begin like this or contain it.
const kinds: readonly (readonly [kind: string, pattern: RegExp])[] = [
  ['a session advisory lock', /\bpg_(?:try_)?advisory_(?:lock|unlock)\w*\s*\(/],
  ['SET', /^(?:set|reset|discard|load)\b|\bset_config\s*\(/],
  ['a named prepared statement', /^(?:prepare(?!\s+transaction\b)|execute|deallocate)\b/],
  ['LISTEN', /^(?:listen|unlisten)\b/],
  [
    'a temporary table',
    /^create\s+(?:or\s+replace\s+)?(?:(?:local|global)\s+)?temp(?:orary)?\b|\binto\s+(?:(?:local|global)\s+)?temp(?:orary)?\b|\bpg_temp\s*\./,
  ],
  ['a cursor', /^(?:declare|fetch|move|close)\b/],
  ['nextval or setval', /\b(?:nextval|setval|currval|lastval)\s*\(/],
]

/**
 * What a statement leaves in its session, or takes from there, so that it is wrong behind a
 * transaction-mode pooler. What the SQL functions do that it calls is not seen, nor what a function
 * would do that it defines.
 */
export function sessionStateIn({ text, preparedAs, fromCursor }: LoggedStatement): string[] {
  const statements = withoutQuotes(text)
    .toLowerCase()
    .split(';')
    .map((statement) => statement.trim())
  const found = kinds
    .filter(([, pattern]) => statements.some((statement) => pattern.test(statement)))
    .map(([kind]) => kind)
  if (preparedAs !== null) found.push('a named prepared statement')
  if (fromCursor) found.push('a cursor')
  return [...new Set(found)]
}

// Comments, strings (with backslashes, plain, and in dollars), and identifiers in quotes.
const quoted =
  /--[^\n]*|\/\*[^]*?\*\/|\be'(?:[^'\\]|''|\\[^])*'|'(?:[^']|'')*'|(\$(?:[a-z_]\w*)?\$)(?<body>[^]*?)\1|"(?<name>(?:[^"]|"")*)"/gi

function withoutQuotes(text: string): string {
  return text.replaceAll(quoted, (...match) => {
    const { body, name } = match.at(-1) as { body?: string; name?: string }
    const before = text.slice(0, match.at(-3) as number)
    if (name !== undefined) return /^[a-z_]\w*$/i.test(name) ? name : 'quoted'
    if (body !== undefined && /\bdo\s+(?:language\s+\w+\s+)?$/i.test(before)) return block(body)
    return ' '
  })
}

// The body of DO is carried out at once: its statements count. Its EXECUTE prepares nothing.
function block(body: string): string {
  return `;${withoutQuotes(body).replaceAll(/\b(?:declare|begin|then|else|loop|execute)\b/gi, ';')};`
}
