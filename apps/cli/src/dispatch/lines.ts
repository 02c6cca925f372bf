/** A line without its end. */
export interface Line {
  /** Counted from 1. */
  readonly number: number
  readonly bytes: Uint8Array
  /** So many bytes of the source had been read up to its end. */
  readonly endOffset: number
}

const newline = 10

/**
 * The lines of a stream, one at a time, however long the stream is.
 * @param mostBytes in one line; a longer one is given cut off as soon as it is that long, and ends
 *   the reading, since the rest of it would mean nothing
 */
export async function* linesOf(
  source: AsyncIterable<Uint8Array>,
  mostBytes: number,
): AsyncGenerator<Line> {
  let parts: Uint8Array[] = []
  let length = 0
  let number = 0
  let offset = 0
  for await (const chunk of source) {
    let from = 0
    while (from < chunk.length) {
      const found = chunk.indexOf(newline, from)
      const to = found < 0 ? chunk.length : found
      parts.push(chunk.subarray(from, to))
      length += to - from
      if (found < 0 && length <= mostBytes) break
      number += 1
      yield { number, bytes: joined(parts), endOffset: offset + to + 1 }
      if (length > mostBytes) return
      parts = []
      length = 0
      from = to + 1
    }
    offset += chunk.length
  }
  if (length > 0) yield { number: number + 1, bytes: joined(parts), endOffset: offset }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts
  return parts.length === 1 && only !== undefined ? only : Buffer.concat(parts)
}
