import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { namesIn, placeDraft, withDraft } from './draft.ts'

/** A name that is safe as a folder's, and as a part of a resource's. */
export const repositoryName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,99}$/, 'small letters, digits, ".", "_" and "-", at most 100')

const mirroredFile = z.object({ path: z.string(), sha256: z.string(), size: z.number() })

const repositoryVersion = z.object({
  repository: repositoryName,
  version: z.number(),
  files: z.array(mirroredFile),
})

export type MirroredFile = Readonly<z.infer<typeof mirroredFile>>

/** What a repository held at one time. Written once, never changed. */
export interface RepositoryVersion {
  readonly repository: string
  readonly version: number
  readonly files: readonly MirroredFile[]
}

const folderOf = (store: string, repository: string): string =>
  join(store, 'repositories', repository, 'versions')

/** The number of the newest version; 0 before the first. */
export async function latestVersion(store: string, repository: string): Promise<number> {
  return Math.max(0, ...(await versionNumbers(store, repository)))
}

/** @throws Error when there is no such version */
export async function readVersion(
  store: string,
  repository: string,
  version: number,
): Promise<RepositoryVersion> {
  const file = join(folderOf(store, repository), `${version}.json`)
  return repositoryVersion.parse(JSON.parse(await readFile(file, 'utf8')))
}

/** @throws Error when that version is there already */
export async function writeVersion(store: string, content: RepositoryVersion): Promise<void> {
  const { repository, version } = content
  await withDraft(store, async (draft) => {
    await writeFile(draft, `${JSON.stringify(content, null, 1)}\n`)
    // A process that was paused and lost its task must not replace what its successor wrote.
    if (!(await placeDraft(draft, join(folderOf(store, repository), `${version}.json`)))) {
      throw new Error(`${repository} has a version ${version} already.`)
    }
  })
}

/** All versions of all repositories. */
export async function* allVersions(store: string): AsyncGenerator<RepositoryVersion> {
  for (const repository of await namesIn(join(store, 'repositories'))) {
    for (const version of await versionNumbers(store, repository)) {
      yield await readVersion(store, repository, version)
    }
  }
}

async function versionNumbers(store: string, repository: string): Promise<number[]> {
  const names = await namesIn(folderOf(store, repository))
  return names.flatMap((name) => (/^[1-9]\d*\.json$/.test(name) ? [Number.parseInt(name, 10)] : []))
}
