import { createTasking } from '@tasking/core'
import type { Tasking } from '@tasking/core'
import { pgStore } from '@tasking/store-pg'
import { eventually, testDatabase } from '@tasking/testbed'
import { expect, test } from 'vitest'
import { startTasking, tasking as cli } from './cli-process.ts'

interface Scene extends AsyncDisposable {
  readonly url: string
  readonly tasking: Tasking
  /** How many tasks there are. */
  count(): Promise<number>
}

async function scene(): Promise<Scene> {
  await using stack = new AsyncDisposableStack()
  const { url } = stack.use(await testDatabase())
  const tasking: Tasking = stack.use(createTasking({ store: pgStore({ url }) }))
  const rest = stack.move()
  return {
    ...{ url, tasking },
    count: async () => (await tasking.list({ limit: 10_000 })).length,
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  }
}

function linesOf(count: number): string[] {
  return Array.from({ length: count }, (_, number) =>
    JSON.stringify({ name: 'import', input: { number }, shared: ['archive'] }),
  )
}

test('a bad line takes its batch with it, and nothing before; then the rest can follow', async () => {
  await using stage = await scene()
  const lines = linesOf(2_500)
  const broken = lines.with(1_002, '{"name": "import", "input": ')
  const first = await cli(['dispatch', '--from', '-'], { url: stage.url, input: broken.join('\n') })
  expect(first).toMatchObject({ code: 2, stdout: '' })
  expect(first.stderr).toMatch(/^error: Line 1003: it is not JSON: .*\[invalid_line\]$/m)
  expect(first.stderr).toContain('Dispatched so far: 1,000 tasks, from the lines up to 1000.')
  expect(await stage.count()).toBe(1_000)

  const rest = ['dispatch', '--from', '-', '--skip-lines', '1000', '--json']
  const second = await cli(rest, { url: stage.url, input: lines.join('\n') })
  expect(second).toMatchObject({ code: 0, stderr: '' })
  expect(JSON.parse(second.stdout)).toMatchObject({ tasks: 1_500, batches: 2, lines: 1_500 })
  expect(await stage.count()).toBe(2_500)
  const [newest] = await stage.tasking.list({ limit: 1 })
  expect(newest).toMatchObject({ input: { number: 2_499 }, resources: { shared: ['archive'] } })
})

test('what a definition refuses is told by line and field', async () => {
  await using stage = await scene()
  const lines = [
    '{"name": "greet", "input": {"name": "Ann"}}',
    '',
    '{"name": "greet", "input": {}}',
  ]
  const args = ['dispatch', '--from', '-', '--tasks', './tasks.ts', '--json']
  const { code, stderr } = await cli(args, { url: stage.url, input: lines.join('\n') })
  expect(code).toBe(2)
  expect(JSON.parse(stderr)).toEqual({
    error: {
      code: 'invalid_line',
      message: expect.stringMatching(/^Line 3: The input of "greet" is not valid: name: /),
      line: 3,
      dispatched: 0,
      skipLines: 0,
    },
  })
  expect(await stage.count()).toBe(0)
})

test('blank lines are passed over, and flags fill in what a line leaves out', async () => {
  await using stage = await scene()
  const input = '\n{"name": "a"}\r\n  \n{"name": "b", "queue": "own", "priority": 2}\n\n'
  const args = ['dispatch', '--from', '-', '--queue', 'bulk', '--priority', '1']
  const { code, stdout } = await cli(args, { url: stage.url, input })
  expect(code).toBe(0)
  expect(stdout).toMatch(/^Dispatched 2 tasks from 5 lines in 1 batch within /)
  expect(await stage.tasking.list()).toMatchObject([
    { name: 'b', queue: 'own', priority: 2 },
    { name: 'a', queue: 'bulk', priority: 1 },
  ])
})

test('Ctrl-C ends it between two batches, also while it waits for input', async () => {
  await using stage = await scene()
  const { child, ended } = startTasking(['dispatch', '--from', '-'], { url: stage.url })
  try {
    child.stdin.write(`${linesOf(1_200).join('\n')}\n`)
    const dispatched = async () => (await stage.count()) === 1_000
    await eventually(dispatched, { what: 'the first batch' })
    child.kill('SIGINT')
    const { code, stderr } = await ended
    expect(code).toBe(1)
    expect(stderr).toContain('[interrupted]')
    expect(stderr).toContain('To have the rest, go on with --skip-lines 1000.')
    expect(await stage.count()).toBe(1_000)
  } finally {
    child.kill('SIGKILL')
  }
})
