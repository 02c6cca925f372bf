import { isUtf8 } from 'node:buffer'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { errorCode } from './draft.ts'

/** Something met below a root, with its path from there. Folders are entered, not told. */
export type TreeEntry =
  | { readonly kind: 'file'; readonly path: string }
  /** A symbolic link, pipe, socket or device. A link's target is met where it really lies. */
  | { readonly kind: 'special'; readonly path: string }
  | SourceProblem

export type SourceProblem =
  /** Listed, and gone when its turn came: as if it had never been there. */
  | { readonly kind: 'vanished'; readonly path: string }
  | { readonly kind: 'unreadable'; readonly path: string; readonly reason: string }

/**
 * Walks a folder, or only some of its entries, in the order of their names.
 * @throws the file system's error when the folder itself can't be read: an unmounted source must
 *   not pass for an empty one
 */
export async function* walk(root: string, only?: readonly string[]): AsyncGenerator<TreeEntry> {
  const chosen = only && new Set(only)
  for (const child of await list(root)) {
    if (!chosen || chosen.has(child.name)) yield* visit(root, child.name, child)
  }
}

async function* visit(root: string, path: string, entry: Listed): AsyncGenerator<TreeEntry> {
  // The name read back would be that of another file, or of none.
  if (!entry.isText) yield { kind: 'unreadable', path, reason: 'its name is not UTF-8' }
  else if (entry.kind === 'folder') {
    let children: Listed[]
    try {
      children = await list(join(root, path))
    } catch (error) {
      return yield sourceProblem(`${path}/`, error)
    }
    for (const child of children) yield* visit(root, `${path}/${child.name}`, child)
  } else yield { kind: entry.kind, path }
}

/** What an error at a file of the source says of that file. */
export function sourceProblem(path: string, error: unknown): SourceProblem {
  const code = errorCode(error)
  // A parent that has become a file has taken its children along.
  if (code === 'ENOENT' || code === 'ENOTDIR') return { kind: 'vanished', path }
  return { kind: 'unreadable', path, reason: String(code ?? error) }
}

interface Listed {
  readonly name: string
  readonly isText: boolean
  readonly kind: 'file' | 'folder' | 'special'
}

async function list(folder: string): Promise<Listed[]> {
  const entries = await readdir(folder, { withFileTypes: true, encoding: 'buffer' })
  return entries
    .map((entry): Listed => {
      const kind = entry.isFile() ? 'file' : entry.isDirectory() ? 'folder' : 'special'
      return { name: entry.name.toString(), isText: isUtf8(entry.name), kind }
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}
