import { createTasking } from '@tasking/core'
import type { Tasking } from '@tasking/core'
import { pgStore } from '@tasking/store-pg'
import { testDatabase } from '@tasking/testbed'
import { expect, test } from 'vitest'
import { tasking as run } from './cli-process.ts'
import type { CliEnd } from './cli-process.ts'
import { hold } from './held-lines.ts'

interface Scene extends AsyncDisposable {
  readonly tasking: Tasking
  cli(args: readonly string[], input?: string): Promise<CliEnd>
  /** Dispatches by the command, and returns the id that it prints. */
  dispatched(...args: string[]): Promise<string>
}

async function scene(): Promise<Scene> {
  await using stack = new AsyncDisposableStack()
  const { url } = stack.use(await testDatabase())
  const tasking: Tasking = stack.use(createTasking({ store: pgStore({ url }) }))
  const rest = stack.move()
  const cli: Scene['cli'] = (args, input = '') => run(args, { url, input })
  return {
    ...{ tasking, cli },
    async dispatched(...args) {
      const { code, stdout, stderr } = await cli(['dispatch', ...args, '--force'])
      expect({ code, stderr }).toMatchObject({ code: 0 })
      return stdout.trim()
    },
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  }
}

test('counted resources are reserved, and shown', async () => {
  await using stage = await scene()
  const counted = ['--counted', 'gpu=2/8', 'a=b=1/3', '--shared', 'c']
  const id = await stage.dispatched('render', 'null', ...counted)
  expect(await stage.tasking.find(id)).toMatchObject({
    resources: {
      counted: [
        { resource: 'a=b', amount: 1, capacity: 3 },
        { resource: 'gpu', amount: 2, capacity: 8 },
      ],
      shared: ['c'],
    },
  })
  const [show, list] = await Promise.all([stage.cli(['show', id]), stage.cli(['list'])])
  expect(show.stdout).toMatch(/^counted +a=b \(1 of 3\), gpu \(2 of 8\)$/m)
  expect(list.stdout).toContain('a=b (1 of 3), gpu (2 of 8), c (shared)')
})

test('a blocked task is said to be, beside its id', async () => {
  await using stage = await scene()
  await stage.tasking.dispatch(hold, { exclusive: ['film'] })
  const args = ['dispatch', 'render', 'null', '--exclusive', 'film', '--force']
  const [text, json] = await Promise.all([stage.cli(args), stage.cli([...args, '--json'])])
  expect(text.stdout).toMatch(/^[-\da-f]{36}\n$/)
  expect(text).toMatchObject({ code: 0, stderr: expect.stringMatching(/^It is blocked for now/) })
  expect(JSON.parse(json.stdout)).toMatchObject({ outcome: 'blocked' })
})

test('a twin is returned, skipped for, or replaced', async () => {
  await using stage = await scene()
  const { id: first } = await stage.tasking.dispatch(hold, {}, { dedupe: 'film 7' })
  const args = ['hold', '{}', '--dedupe', 'film 7']
  const [twin, skipped] = await Promise.all([
    stage.cli(['dispatch', ...args, '--force']),
    stage.cli(['dispatch', ...args, '--if-twin', 'skip', '--force', '--json']),
  ])
  expect(twin).toMatchObject({ code: 0, stdout: `${first}\n` })
  expect(twin.stderr).toMatch(/^It has an incomplete twin with the same key/)
  const { id, outcome } = JSON.parse(skipped.stdout) as { id: string; outcome: string }
  expect({ code: skipped.code, outcome }).toEqual({ code: 0, outcome: 'skipped' })

  const third = await stage.dispatched(...args, '--if-twin', 'replace')
  expect(await stage.tasking.find(first)).toMatchObject({ state: 'canceled' })
  expect(await stage.tasking.find(third)).toMatchObject({ state: 'waiting', dedupeKey: 'film 7' })

  const [show, list] = await Promise.all([stage.cli(['show', id]), stage.cli(['list'])])
  expect(show.stdout).toMatch(/^state +skipped$/m)
  expect(show.stdout).toMatch(
    `skip reason    Task ${first} with the same dedupe key is incomplete.`,
  )
  expect(show.stdout).toMatch(/^dedupe key +film 7$/m)
  expect(list.stdout).toMatch(/^ID +NAME +STATE +QUEUE +KEY +AGE /)
  expect(list.stdout).toContain(`${id}  hold  skipped (twin_incomplete)  default  film 7 `)
})

test('a task that is not to wait is skipped, or fails to be dispatched', async () => {
  await using stage = await scene()
  await stage.tasking.dispatch(hold, { counted: [{ resource: 'gpu', amount: 5, capacity: 8 }] })
  const flags = ['dispatch', 'render', 'null', '--counted', 'gpu=5/8', '--force', '--if-blocked']
  const [skipped, waited, failed] = await Promise.all([
    stage.cli([...flags, 'skip']),
    stage.cli([...flags, 'skip', '--wait', '--json']),
    stage.cli([...flags, 'fail']),
  ])
  expect(skipped).toMatchObject({ code: 0, stderr: expect.stringMatching(/^It was skipped/) })
  expect(waited.code).toBe(1)
  expect(JSON.parse(waited.stdout)).toMatchObject({ outcome: 'skipped', state: 'skipped' })
  expect(JSON.parse(waited.stderr)).toMatchObject({
    error: {
      code: 'task_skipped',
      message: expect.stringMatching(/was skipped: Resource "gpu" is taken\.$/),
    },
  })
  expect(failed).toMatchObject({ code: 1, stdout: '' })
  expect(failed.stderr).toMatch(/^error: Resource "gpu" is taken, .*\[resources_busy\]$/m)
  expect(await stage.tasking.list({ states: ['waiting'] })).toHaveLength(1)
})

test('the lines of a file may say the same, and flags fill in', async () => {
  await using stage = await scene()
  const lines = [
    '{"name": "render", "dedupe": "7", "counted": [{"resource": "gpu", "amount": 5, "capacity": 8}]}',
    '{"name": "render", "dedupe": "7"}',
    '{"name": "render", "dedupe": "7", "ifTwin": "return"}',
    '{"name": "render", "counted": [{"resource": "gpu", "amount": 4, "capacity": 8}]}',
    '{"name": "render", "exclusive": ["gpu"], "ifBlocked": "wait"}',
  ]
  const flags = ['--if-twin', 'skip', '--if-blocked', 'skip', '--json']
  const { code, stdout } = await stage.cli(['dispatch', '--from', '-', ...flags], lines.join('\n'))
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({
    ...{ tasks: 2, blocked: 1, twins: 1, skipped: 2, lines: 5 },
  })
  const text = await stage.cli(['dispatch', '--from', '-', '--if-twin', 'skip'], lines[1])
  expect(text.stdout).toMatch(/^Dispatched 0 tasks from 1 line .* 1 other was skipped\.$/m)
})

test('a line that would have to wait takes its batch with it, and is named', async () => {
  await using stage = await scene()
  const lines = [
    '{"name": "render", "exclusive": ["film"]}',
    '{"name": "render", "shared": ["film"], "ifBlocked": "fail"}',
  ]
  const args = ['dispatch', '--from', '-', '--json']
  const { code, stderr } = await stage.cli(args, lines.join('\n'))
  expect(code).toBe(1)
  expect(JSON.parse(stderr)).toEqual({
    error: {
      code: 'resources_busy',
      message: 'Line 2: Resource "film" is taken, and the task is not to wait for it.',
      ...{ line: 2, dispatched: 0, skipLines: 0 },
    },
  })
  expect(await stage.tasking.list()).toEqual([])
})
