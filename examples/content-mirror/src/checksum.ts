import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'

export interface Checksum {
  readonly sha256: string
  /** In bytes. */
  readonly size: number
}

const chunkBytes = 64 * 1024

/**
 * Reads a file to its end. With `copyTo` it writes there what it reads, so that the checksum is
 * the copy's even if the file changes meanwhile.
 */
export async function checksumOf(
  file: string,
  signal: AbortSignal,
  copyTo?: string,
): Promise<Checksum> {
  const source = await open(file)
  try {
    // Nobody writes to content once it is there: what is published shares its bytes.
    const copy = copyTo === undefined ? undefined : await open(copyTo, 'wx', 0o444)
    try {
      const hash = createHash('sha256')
      const buffer = Buffer.allocUnsafe(chunkBytes)
      for (let size = 0; ;) {
        signal.throwIfAborted()
        const { bytesRead } = await source.read(buffer)
        if (bytesRead === 0) return { sha256: hash.digest('hex'), size }
        const chunk = buffer.subarray(0, bytesRead)
        hash.update(chunk)
        await copy?.appendFile(chunk)
        size += bytesRead
      }
    } finally {
      await copy?.close()
    }
  } finally {
    await source.close()
  }
}

export function checksumOfText(text: string): Checksum {
  const sha256 = createHash('sha256').update(text).digest('hex')
  return { sha256, size: Buffer.byteLength(text) }
}

const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r' }

/** A line as `sha256sum` writes it: a backslash in front says that the path has escapes. */
export function checksumLine(path: string, { sha256 }: Checksum): string {
  const escaped = path.replaceAll(/[\\\n\r]/g, (character) => escapes[character] ?? character)
  return `${escaped === path ? '' : '\\'}${sha256}  ${escaped}\n`
}
