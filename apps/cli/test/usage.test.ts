import { testDatabase } from '@tasking/testbed'
import { expect, test } from 'vitest'
import { tasking } from './cli-process.ts'

const nowhere = 'postgres://user:secret@127.0.0.1:1/nowhere'

test.for<[string, string[], RegExp]>([
  [
    'an unknown command',
    ['lst'],
    /unknown command 'lst' \(Did you mean list\?\) \[invalid_usage\]/,
  ],
  ['an unknown flag', ['list', '--frobnicate'], /unknown option '--frobnicate' \[invalid_usage\]/],
  ['a missing argument', ['show'], /missing required argument 'task' \[invalid_usage\]/],
  ['a task to explain', ['explain'], /missing required argument 'task' \[invalid_usage\]/],
  ['a prefix beside a name', ['resources', 'a', '--prefix', 'a'], /leave it out with a name/],
  [
    'a count that is none',
    ['dispatch', 'greet', '--counted', 'gpu=2'],
    /'gpu=2' is invalid. It must be like 'gpu=2\/8'/,
  ],
  [
    'more than there is',
    ['dispatch', 'greet', '--force', '--counted', 'gpu=9/8'],
    /"gpu" can't be reserved: its amount .* to its capacity, 8\. \[invalid_resource\]/,
  ],
  [
    'a rule without a key',
    ['dispatch', 'greet', '--if-twin', 'skip'],
    /--if-twin goes with --dedupe/,
  ],
  [
    'a rule that is none',
    ['dispatch', 'greet', '--if-blocked', 'run'],
    /Allowed choices are wait, skip, fail/,
  ],
  [
    'one key for a whole file',
    ['dispatch', '--from', '-', '--dedupe', 'key'],
    /'--from <file>' cannot be used with option '--dedupe <key>'/,
  ],
  ['a state that is none', ['list', '--state', 'lost'], /Allowed choices are scheduled, waiting/],
  ['a limit that is none', ['list', '--limit', '0'], /must be a whole number from 1/],
  ['an id that is none', ['list', '--before', 'x'], /must be the id of a task/],
  ['a group that is none', ['list', '--group', 'x'], /must be the id of a group/],
  ['an input that is not JSON', ['dispatch', 'greet', '{name}'], /not JSON.*\[invalid_json\]/],
  ['nothing to dispatch', ['dispatch'], /its name, or --from with a file\. \[invalid_usage\]/],
  ['a name beside --from', ['dispatch', 'greet', '--from', '-'], /leave out the one given/],
  [
    'a file that is not there',
    ['dispatch', '--from', 'gone.ndjson'],
    /gone\.ndjson can't be read: it is not there/,
  ],
  [
    'a schema that is none',
    ['migrate', '--schema', 'a"b'],
    /is not a schema name.*\[invalid_option\]/,
  ],
])('%s is wrong usage', async ([, args, message]) => {
  const { code, stdout, stderr } = await tasking(args, { url: nowhere })
  expect(stderr).toMatch(message)
  expect(stderr).not.toMatch(/^\s+at /m)
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
})

test('without a database it says where to name one', async () => {
  const { code, stderr } = await tasking(['list', '--json'])
  expect(code).toBe(2)
  expect(JSON.parse(stderr)).toEqual({
    error: {
      code: 'invalid_usage',
      message: expect.stringMatching(/--database-url, or in TASKING_DATABASE_URL/),
    },
  })
})

test('a database that does not answer is named, without its password', async () => {
  const startedAt = performance.now()
  const { code, stdout, stderr } = await tasking(['list'], { env: { DATABASE_URL: nowhere } })
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toMatch(/^error: No answer .* 127\.0\.0\.1:1\/nowhere: .*\[store_unavailable\]\n$/)
  expect(stderr).not.toContain('secret')
  // It gives up at once; most of this is how long a busy machine takes to start a process.
  expect(performance.now() - startedAt).toBeLessThan(20_000)
})

test('a database without the tables gets them from migrate', async () => {
  await using database = await testDatabase({ migrated: false })
  const { url } = database
  const before = await tasking(['list'], { url })
  expect(before).toMatchObject({ code: 1, stdout: '' })
  expect(before.stderr).toMatch(/Run "tasking migrate" first\. \[schema_missing\]\n$/)

  const first = await tasking(['migrate', '--json'], { url })
  expect(first).toMatchObject({ code: 0, stderr: '' })
  const { from, to } = JSON.parse(first.stdout) as { from: number; to: number }
  expect(from).toBe(0)
  expect(to).toBeGreaterThan(0)

  const second = await tasking(['migrate'], { url })
  expect(second.stdout).toBe(`Schema "tasking" is at version ${to} already.\n`)
  expect(await tasking(['list', '--json'], { url })).toEqual({
    code: 0,
    stdout: '[]\n',
    stderr: '',
  })
})

test('every command has examples and the global flags in its help', async () => {
  const { code, stdout } = await tasking(['--help'])
  expect(code).toBe(0)
  const commands = [...stdout.matchAll(/^ {2}([a-z]+) .*/gm)].map(([, name]) => name)
  expect(commands).toContain('dispatch')
  const helps = await Promise.all(
    ['dispatch', 'list', 'cancel', 'explain', 'resources'].map((name) => tasking([name, '--help'])),
  )
  for (const help of helps) {
    expect(help).toMatchObject({ code: 0, stderr: '' })
    expect(help.stdout).toMatch(/Global Options:[^]*--json[^]*Examples:\n {2}tasking/)
  }
})

test('color is for terminals, and for those who ask', async () => {
  const red = '\u001B[31merror:\u001B[39m'
  const withEnv = async (env: Record<string, string>, ...flags: string[]) =>
    (await tasking(['lst', ...flags], { env })).stderr.includes(red)
  expect(await withEnv({})).toBe(false)
  expect(await withEnv({ FORCE_COLOR: '1' })).toBe(true)
  expect(await withEnv({ FORCE_COLOR: '1' }, '--no-color')).toBe(false)
})
