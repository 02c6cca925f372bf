import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadTaskModules } from '@tasking/worker'

let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tasking-modules-'))
  await write('package.json', '{ "type": "module" }')
})

afterAll(() => rm(folder, { recursive: true }))

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true })
  await writeFile(join(folder, path), text)
}

async function namesIn(...modules: string[]): Promise<string[]> {
  return (await loadTaskModules(modules, folder)).map(({ name }) => name)
}

async function failureOf(module: string): Promise<{ code: string; message: string }> {
  return loadTaskModules([module], folder).then(
    () => expect.fail('it was loaded'),
    ({ code, message }: { code: string; message: string }) => ({ code, message }),
  )
}

test('definitions are found under any name, as the default, and in arrays', async () => {
  await write(
    'exports.js',
    `const task = (name) => ({ name, run() {} })
     export const first = task('first')
     export const list = [task('second'), task('third'), 'no task']
     export const other = { name: 'without a handler' }
     export default task('fourth')
     export { first as again }`,
  )
  expect((await namesIn('./exports.js')).toSorted()).toEqual(['first', 'fourth', 'second', 'third'])
})

test('a CommonJS module is read as a whole', async () => {
  await write('common.cjs', `module.exports = Object.fromEntries([['a', { name: 'a', run() {} }]])`)
  expect(await namesIn('common.cjs')).toEqual(['a'])
})

test('a path is relative to the working directory, with or without a dot', async () => {
  await write('sub/tasks.mjs', `export const a = { name: 'a', run() {} }`)
  expect(await namesIn('sub/tasks.mjs', './sub/tasks.mjs', join(folder, 'sub/tasks.mjs'))).toEqual([
    'a',
  ])
})

test('a package is looked up from the working directory', async () => {
  await write('node_modules/@acme/tasks/index.js', `export const a = { name: 'acme', run() {} }`)
  await write(
    'node_modules/@acme/tasks/package.json',
    `{ "name": "@acme/tasks", "type": "module", "exports": { ".": { "import": "./index.js" } } }`,
  )
  expect(await namesIn('@acme/tasks')).toEqual(['acme'])
  expect(await failureOf('@acme/tasks/hidden')).toEqual({
    code: 'task_module_failed',
    message: expect.stringContaining(`Package subpath './hidden' is not defined`),
  })
})

test('what is not there is told by where it was looked for', async () => {
  await write('typed.ts', 'export {}')
  expect(await failureOf('./typed')).toEqual({
    code: 'task_module_not_found',
    message: `The task module ./typed was not found: there is no file ${join(folder, 'typed')} (did you mean ${join(folder, 'typed.ts')}?).`,
  })
  expect(await failureOf('dist/tasks.js')).toEqual({
    code: 'task_module_not_found',
    message: `The task module dist/tasks.js was not found: there is neither a file ${join(folder, 'dist/tasks.js')} nor such a package.`,
  })
  expect(await failureOf('.')).toMatchObject({
    code: 'task_module_not_found',
    message: expect.stringContaining('it is a directory'),
  })
})

test('what a module throws is shown with its place', async () => {
  await write('throws.js', `\nthrow new TypeError('out of order')`)
  const failure = await failureOf('./throws.js')
  expect(failure.code).toBe('task_module_failed')
  expect(failure.message).toMatch(/: TypeError: out of order \(at \S+throws\.js:2:7\)$/)
})

test('a missing import of a module is not taken for a missing module', async () => {
  await write('imports.js', `import 'nowhere-to-be-found'`)
  const failure = await failureOf('./imports.js')
  expect(failure.code).toBe('task_module_failed')
  expect(failure.message).toContain('nowhere-to-be-found')
})

test('a module without definitions is refused', async () => {
  await write('empty.js', 'export const a = 1')
  expect((await failureOf('./empty.js')).code).toBe('task_module_empty')
})
