import { existsSync } from 'node:fs'
import { readdir, realpath } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A repository, and the folder (or the part of one) that it mirrors. */
export interface PlannedRepository {
  readonly repository: string
  readonly source: string
  readonly only?: string[]
}

const groups = 8

/** One repository for each folder; without any, the packages that this project depends on. */
export async function planRepositories(
  folders: readonly string[],
): Promise<readonly PlannedRepository[]> {
  if (folders.length === 0) return dependencies()
  const sources = await Promise.all(folders.map((folder) => realpath(folder)))
  const names = sources.map(nameFor)
  return sources.map((source, i) => {
    const name = names[i] ?? ''
    return { repository: names.indexOf(name) === i ? name : `${name}.${i + 1}`, source }
  })
}

/** The same repository without its last entry, so that a second sync finds something new. */
export async function withoutLast(plan: PlannedRepository): Promise<PlannedRepository> {
  const entries = plan.only ?? (await readdir(plan.source)).sort()
  return { ...plan, only: entries.slice(0, -1) }
}

async function dependencies(): Promise<PlannedRepository[]> {
  const folder = fileURLToPath(new URL('../../../node_modules', import.meta.url))
  // pnpm keeps the real files one level further down.
  const source = existsSync(join(folder, '.pnpm')) ? join(folder, '.pnpm') : folder
  const packages = (await readdir(source)).sort()
  return Array.from({ length: groups }, (_, group) => ({
    repository: `packages-${group + 1}`,
    source,
    only: packages.filter((_name, i) => i % groups === group),
  }))
}

function nameFor(folder: string): string {
  const name = basename(folder)
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]/g, '-')
  return name.replace(/^[^a-z0-9]+/, '').slice(0, 90) || 'repository'
}
