import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { checksumOf } from './checksum.ts'
import type { Checksum } from './checksum.ts'
import { errorCode, namesIn, placeDraft, withDraft } from './draft.ts'

export interface StoredContent extends Checksum {
  /** False if the store had it already, perhaps from another repository. */
  readonly isNew: boolean
}

/** Where content lies: its checksum is its address, so the same bytes are there once. */
export function contentPath(store: string, sha256: string): string {
  return join(store, 'content', sha256.slice(0, 2), sha256)
}

/** Takes a file's content into the store. */
export async function storeContent(
  store: string,
  file: string,
  signal: AbortSignal,
): Promise<StoredContent> {
  // Most files of most syncs are known, and reading is all that those cost.
  const known = await checksumOf(file, signal)
  if (await exists(contentPath(store, known.sha256))) return { ...known, isNew: false }
  return withDraft(store, async (draft) => {
    const copied = await checksumOf(file, signal, draft)
    return { ...copied, isNew: await placeDraft(draft, contentPath(store, copied.sha256)) }
  })
}

export interface Removed {
  readonly removed: number
  readonly removedBytes: number
  readonly kept: number
}

/** Removes all content but the given. Nobody may be storing or publishing. */
export async function removeContentExcept(
  store: string,
  needed: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<Removed> {
  let removed = 0
  let removedBytes = 0
  let kept = 0
  for (const folder of await namesIn(join(store, 'content'))) {
    for (const sha256 of await namesIn(join(store, 'content', folder))) {
      signal.throwIfAborted()
      if (needed.has(sha256)) {
        kept += 1
        continue
      }
      const file = join(store, 'content', folder, sha256)
      removedBytes += (await stat(file)).size
      await rm(file)
      removed += 1
    }
  }
  return { removed, removedBytes, kept }
}

async function exists(file: string): Promise<boolean> {
  try {
    return (await stat(file)).isFile()
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false
    throw error
  }
}
