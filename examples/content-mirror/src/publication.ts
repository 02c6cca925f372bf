import { copyFile, link, mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { checksumLine, checksumOf, checksumOfText } from './checksum.ts'
import { contentPath } from './content-store.ts'
import { errorCode, namesIn, withDraft } from './draft.ts'
import type { RepositoryVersion } from './repository.ts'
import { sourceProblem, walk } from './source-tree.ts'
import type { TreeEntry } from './source-tree.ts'

const sumsFile = 'SHA256SUMS'

/** The files lie in a folder of their own, where none can be taken for the checksums. */
const published = (path: string): string => `files/${path}`

export function publicationPath(store: string, repository: string, version: number): string {
  return join(store, 'publications', repository, String(version))
}

/** The newest version that is published; 0 before the first. */
export async function latestPublication(store: string, repository: string): Promise<number> {
  const names = await namesIn(join(store, 'publications', repository))
  return Math.max(0, ...names.map(Number).filter(Number.isInteger))
}

/** Lays a version out as a folder. What was published of it before is replaced. */
export async function publish(
  store: string,
  content: RepositoryVersion,
  signal: AbortSignal,
): Promise<void> {
  const place = publicationPath(store, content.repository, content.version)
  await withDraft(store, async (draft) => {
    await mkdir(join(draft, published('')), { recursive: true })
    const made = new Set<string>()
    for (const { path, sha256 } of content.files) {
      signal.throwIfAborted()
      const file = join(draft, published(path))
      if (!made.has(dirname(file))) await mkdir(dirname(file), { recursive: true })
      made.add(dirname(file))
      await linkOrCopy(contentPath(store, sha256), file)
    }
    await writeFile(join(draft, sumsFile), sumsOf(content))
    signal.throwIfAborted()
    await mkdir(dirname(place), { recursive: true })
    // A folder can't replace another in one step: readers hold the publication shared.
    await rm(place, { recursive: true, force: true })
    await rename(draft, place)
  })
}

/** What is wrong with a publication, a line for each file; reads all of it. */
export async function damage(
  store: string,
  content: RepositoryVersion,
  signal: AbortSignal,
): Promise<string[]> {
  const root = publicationPath(store, content.repository, content.version)
  const expected = new Map(content.files.map((file) => [published(file.path), file.sha256]))
  expected.set(sumsFile, checksumOfText(sumsOf(content)).sha256)
  const bad: string[] = []
  for await (const entry of walk(root)) {
    const verdict = await judge(root, entry, expected.get(entry.path), signal)
    if (verdict !== undefined) bad.push(`${verdict}: ${entry.path}`)
    expected.delete(entry.path)
  }
  return [...bad, ...[...expected.keys()].map((path) => `missing: ${path}`)]
}

async function judge(
  root: string,
  { kind, path }: TreeEntry,
  sha256: string | undefined,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (kind === 'unreadable' || kind === 'vanished') return kind
  if (sha256 === undefined) return 'not listed'
  if (kind === 'special') return 'not a file'
  try {
    const found = await checksumOf(join(root, path), signal)
    return found.sha256 === sha256 ? undefined : 'changed'
  } catch (error) {
    signal.throwIfAborted()
    return sourceProblem(path, error).kind
  }
}

function sumsOf({ files }: RepositoryVersion): string {
  return files.map((file) => checksumLine(published(file.path), file)).join('')
}

async function linkOrCopy(content: string, file: string): Promise<void> {
  try {
    await link(content, file)
  } catch (error) {
    // A file system counts links up to a limit, which the empty file of many packages reaches.
    if (errorCode(error) !== 'EMLINK') throw error
    await copyFile(content, file)
  }
}
