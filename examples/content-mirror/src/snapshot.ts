import { realpath } from 'node:fs/promises'
import { isAbsolute, join, relative, sep } from 'node:path'
import { storeContent } from './content-store.ts'
import type { MirroredFile } from './repository.ts'
import { sourceProblem, walk } from './source-tree.ts'
import type { SourceProblem } from './source-tree.ts'

export interface SnapshotOptions {
  /** Names directly below the source; the others are left out. */
  readonly only?: readonly string[] | undefined
  readonly signal: AbortSignal
  /** Told after each file how many there are by now. */
  readonly onFile?: (files: number) => void
}

/**
 * Takes everything in a folder into the store, and lists it by path.
 * @throws UnreadableSourceError when a part of the folder can't be read
 */
export async function snapshot(
  store: string,
  source: string,
  { only, signal, onFile }: SnapshotOptions,
) {
  await refuseStoreWithin(source, store)
  const files: MirroredFile[] = []
  const unreadable: string[] = []
  const counts = { new: 0, newBytes: 0, deduplicated: 0, bytes: 0, special: 0, vanished: 0 }
  for await (const entry of walk(source, only)) {
    signal.throwIfAborted()
    const met = entry.kind === 'file' ? await take(store, source, entry.path, signal) : entry
    if (met.kind === 'unreadable') unreadable.push(`${met.path} (${met.reason})`)
    else if (met.kind !== 'stored') counts[met.kind] += 1
    else {
      files.push(met.file)
      counts.bytes += met.file.size
      counts[met.isNew ? 'new' : 'deduplicated'] += 1
      if (met.isNew) counts.newBytes += met.file.size
      onFile?.(files.length)
    }
  }
  // A version says what the folder held; one with holes would say that files were removed.
  if (unreadable.length > 0) throw new UnreadableSourceError(unreadable)
  return { files: files.sort((a, b) => (a.path < b.path ? -1 : 1)), counts }
}

class UnreadableSourceError extends Error {
  override readonly name = 'UnreadableSourceError'
  readonly code = 'source_unreadable'

  constructor(paths: readonly string[]) {
    super(`${paths.length} can't be read: ${paths.slice(0, 100).join(', ')}`)
  }
}

interface Stored {
  readonly kind: 'stored'
  readonly file: MirroredFile
  readonly isNew: boolean
}

async function take(
  store: string,
  source: string,
  path: string,
  signal: AbortSignal,
): Promise<Stored | SourceProblem> {
  const place = join(source, path)
  try {
    const { sha256, size, isNew } = await storeContent(store, place, signal)
    return { kind: 'stored', file: { path, sha256, size }, isNew }
  } catch (error) {
    // Trouble with the store, such as a full disk, is nothing to blame a file for.
    if (!(error instanceof Error && 'path' in error && error.path === place)) throw error
    return sourceProblem(path, error)
  }
}

async function refuseStoreWithin(source: string, store: string): Promise<void> {
  const way = relative(await realpath(source), await realpath(store))
  if (way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way)) {
    throw new Error(`The store ${store} lies in the source ${source}: it would mirror itself.`)
  }
}
