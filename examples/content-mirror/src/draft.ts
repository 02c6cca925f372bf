import { randomUUID } from 'node:crypto'
import { link, mkdir, readdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** Everything is written here first; what has another name in the store is complete. */
const folderOf = (store: string): string => join(store, 'incoming')

/** Gives `use` a path to write to, and removes what is left there, however `use` ends. */
export async function withDraft<T>(store: string, use: (draft: string) => Promise<T>): Promise<T> {
  await mkdir(folderOf(store), { recursive: true })
  const draft = join(folderOf(store), randomUUID())
  try {
    return await use(draft)
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

/** Gives a drafted file its name; false if something has that name already, which then stays. */
export async function placeDraft(draft: string, name: string): Promise<boolean> {
  await mkdir(dirname(name), { recursive: true })
  try {
    // A rename would replace what is there; of two that link, exactly one succeeds.
    await link(draft, name)
    return true
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false
    throw error
  }
}

/** Removes what a killed process left. Nobody else may be writing. */
export async function removeDrafts(store: string): Promise<number> {
  const left = await namesIn(folderOf(store))
  for (const name of left) await rm(join(folderOf(store), name), { recursive: true })
  return left.length
}

/** The names in a folder of the store, none if there is no such folder yet. */
export async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return []
    throw error
  }
}

export function errorCode(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
