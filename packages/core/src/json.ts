import { NotJsonError } from './errors.ts'

/** A value that survives a trip through JSON. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue | undefined }

/** What is left of a value after a trip through JSON: dates are strings, functions are gone. */
export type Jsonified<T> = unknown extends T
  ? T
  : T extends { toJSON(): infer Form }
    ? Jsonified<Form>
    : T extends string | number | boolean | null
      ? T
      : // `void` is what a handler without a return statement gives.
        T extends undefined | void
        ? null
        : T extends (...args: never) => unknown
          ? never
          : T extends readonly unknown[]
            ? { readonly [Index in keyof T]: Jsonified<T[Index]> }
            : {
                readonly [Key in keyof T]: T[Key] extends infer Value
                  ? JsonifiedProperty<Value>
                  : never
              }

// A property that JSON leaves out reads as undefined.
type JsonifiedProperty<T> = T extends undefined ? undefined : Jsonified<T>

// JSON.stringify writes a lone surrogate as \udXXX; PostgreSQL's jsonb takes neither that nor NUL.
const unstorable = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f][0-9a-f]{2})/

/**
 * The value as any store will hand it back: through JSON and parsed again.
 * @param what names the value in the error, such as `input of "repository.sync"`
 * @throws NotJsonError for a cycle, a bigint, a function, a NUL character or a lone surrogate
 */
export function throughJson(value: unknown, what: string): JsonValue {
  if (value === undefined) return null
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch (cause) {
    throw new NotJsonError(what, cause instanceof Error ? cause.message : String(cause), { cause })
  }
  if (text === undefined) throw new NotJsonError(what, `a ${typeof value} has no JSON form`)
  if (unstorable.test(text)) {
    throw new NotJsonError(what, 'it holds a NUL character or half a surrogate pair')
  }
  return JSON.parse(text) as JsonValue
}

/** Text without the characters that PostgreSQL's jsonb refuses: each becomes U+FFFD. */
export function storableText(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\uFFFD')
}
