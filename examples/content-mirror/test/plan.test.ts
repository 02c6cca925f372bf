import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { planRepositories, withoutLast } from '../src/plan.ts'
import { temporaryFolder, write } from './folder.ts'

test('without folders every dependency is in one of eight repositories', async () => {
  const plan = await planRepositories([])
  expect(plan.map(({ repository }) => repository).slice(0, 2)).toEqual(['packages-1', 'packages-2'])
  expect(plan).toHaveLength(8)
  const packages = plan.flatMap(({ only }) => only ?? [])
  expect(packages.length).toBeGreaterThan(8)
  expect(new Set(packages).size).toBe(packages.length)
})

test('a folder gives its name to a repository, as far as that can be', async () => {
  await using folder = await temporaryFolder()
  const folders = ['My Music', 'a/src', 'b/src', '.hidden', '日本'].map((name) =>
    join(folder.path, name),
  )
  for (const path of folders) await mkdir(path, { recursive: true })
  const plan = await planRepositories(folders)
  expect(plan.map(({ repository }) => repository)).toEqual([
    'my-music',
    'src',
    'src.3',
    'hidden',
    'repository',
  ])
})

test('the last entry can be left for later', async () => {
  await using folder = await temporaryFolder()
  const source = await write(folder.path, { b: '', a: '', c: '' })
  expect(await withoutLast({ repository: 'r', source })).toMatchObject({ only: ['a', 'b'] })
  const only = ['c', 'b']
  expect(await withoutLast({ repository: 'r', source, only })).toMatchObject({ only: ['c'] })
})
