import { chmod, copyFile, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { disappearance, spawnParent } from './parent-process.ts'
import { createProject, type Project } from './project.ts'
import { temporaryDirectory } from './temporary-directory.ts'

const asRoot = process.getuid?.() === 0
const daemon = { uid: 1, gid: 1 }
const aCopy = /^local-postgres-[\d.]+.*-\d+$/

let project: Project

beforeAll(async () => {
  project = await createProject()
})
afterAll(() => project[Symbol.asyncDispose]())

async function startAndStop(TMPDIR: string): Promise<void> {
  const parent = spawnParent('stop', { script: project.script, env: { TMPDIR } })
  await disappearance(await parent.server)
  expect(await parent.exit).toMatchObject({ code: 0 })
}

describe.runIf(asRoot)('root', () => {
  test('copies the binaries from a project that nobody else can read', async () => {
    await using temporary = await temporaryDirectory(0o755)
    await chmod(project.directory, 0o700)
    await startAndStop(temporary.path)
    expect(await readdir(temporary.path)).toEqual([expect.stringMatching(aCopy)])
  })

  test.for([0o700, 0o755])('learns that nobody else can enter TMPDIR: %o', async (mode) => {
    await using temporary = await temporaryDirectory(0o700)
    await chmod(project.directory, mode)
    const env = { TMPDIR: temporary.path }
    const { code, stderr } = await spawnParent('stay', { script: project.script, env }).exit
    expect(code).toBe(1)
    expect(stderr).toContain(`code: 'directory_inaccessible'`)
    expect(stderr).toMatch(/uid \d+.*Set TMPDIR/)
    const left = (await readdir(temporary.path)).filter((entry) => !aCopy.test(entry))
    expect(left).toEqual([])
  })

  test('is not needed, and takes over the data of another user', async () => {
    await using temporary = await temporaryDirectory()
    await chmod(project.directory, 0o755)
    const directory = join(temporary.path, 'kept')
    const script = join(project.directory, 'test', 'kept.ts')
    await writeFile(
      script,
      `import { startPostgres } from '../src/index.ts'
       const server = await startPostgres({ directory: ${JSON.stringify(directory)} })
       await server.stop()`,
    )
    // The one that runs this test may lie where only root can get.
    const node = join(temporary.path, 'node')
    await copyFile(process.execPath, node)
    for (const account of [daemon, {}]) {
      const parent = spawnParent('stop', { node, script, ...account })
      expect(await parent.exit).toMatchObject({ code: 0, stderr: '' })
      expect(await stat(join(directory, 'data'))).toMatchObject(daemon)
    }
  })
})

test('links that no install script has made are made in a copy', async () => {
  await using temporary = await temporaryDirectory(0o755)
  await chmod(project.directory, 0o755)
  await project.removeLinks()
  await startAndStop(temporary.path)
  expect(await readdir(temporary.path)).toEqual([expect.stringMatching(aCopy)])
})
