import { createTasking } from '@tasking/core'
import type { Tasking } from '@tasking/core'
import { pgStore } from '@tasking/store-pg'
import { testDatabase, useDatabase } from '@tasking/testbed'
import { createWorker } from '@tasking/worker'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { tasking as cli } from './cli-process.ts'
import { fail, greet } from './fixtures/tasks.ts'

describe('with definitions', () => {
  const database = useDatabase()
  const flags = ['--tasks', './tasks.ts']

  test('the input is checked and the resources follow from it', async () => {
    const { url } = database
    const wrong = await cli(['dispatch', 'greet', '{"name": 5}', ...flags], { url })
    expect(wrong).toMatchObject({ code: 2, stdout: '' })
    expect(wrong.stderr).toMatch(
      /^error: The input of "greet" is not valid: name: .*\[invalid_input\]/,
    )

    const right = await cli(['dispatch', 'greet', '{"name": "Ann"}', ...flags], { url })
    expect(right).toMatchObject({ code: 0, stderr: '' })
    await using tasking = createTasking({ store: pgStore({ url }) })
    expect(await tasking.find(right.stdout.trim())).toMatchObject({
      name: 'greet',
      queue: 'greetings',
      input: { name: 'Ann' },
      resources: { exclusive: ['person:Ann'], shared: ['language'] },
    })
  })

  test('a mistyped name gets a suggestion', async () => {
    const { code, stderr } = await cli(['dispatch', 'gret', ...flags], { url: database.url })
    expect(code).toBe(2)
    expect(stderr).toMatch(/\(known: fail, greet\)\. Did you mean "greet"\? \[unknown_task\]/)
  })

  test('resources of its own are refused', async () => {
    const own = ['--exclusive', 'person:Ann']
    const { code, stderr } = await cli(['dispatch', 'fail', ...flags, ...own], {
      url: database.url,
    })
    expect(code).toBe(2)
    expect(stderr).toContain('The definition of "fail" says which resources it takes')
  })
})

describe('without definitions', () => {
  test('where no worker is alive any name will do, and the resources are as given', async () => {
    await using database = await testDatabase()
    const { url } = database
    const own = ['--exclusive', 'a', 'b', '--shared', 'c', '--queue', 'slow', '--priority', '-3']
    own.push('--correlation', 'request 7')
    const { code, stdout, stderr } = await cli(['dispatch', 'any', '[1]', ...own], { url })
    expect(code).toBe(0)
    expect(stderr).toBe('No worker is alive, so the name "any" is not checked.\n')
    await using tasking = createTasking({ store: pgStore({ url }) })
    expect(await tasking.find(stdout.trim())).toMatchObject({
      ...{ name: 'any', input: [1], queue: 'slow', priority: -3, correlationId: 'request 7' },
      resources: { exclusive: ['a', 'b'], shared: ['c'] },
    })
  })

  test('live workers say which names there are', async () => {
    await using database = await testDatabase()
    const { url } = database
    await using tasking = createTasking({ store: pgStore({ url }), tasks: [greet, fail] })
    await register(tasking, 'alive', 60_000)

    const unknown = await cli(['dispatch', 'fial', '--json'], { url })
    expect(unknown).toMatchObject({ code: 2, stdout: '' })
    expect(JSON.parse(unknown.stderr)).toMatchObject({
      error: { code: 'unknown_task', known: ['fail', 'greet'], suggestion: 'fail' },
    })
    expect(await tasking.list()).toEqual([])

    const known = await cli(['dispatch', 'fail', '--json'], { url })
    expect(known).toMatchObject({ code: 0, stderr: '' })
    const forced = await cli(['dispatch', 'fial', '--force'], { url })
    expect(forced).toMatchObject({ code: 0, stderr: '' })
    expect((await tasking.list()).map(({ name }) => name)).toEqual(['fial', 'fail'])
  })
})

async function register({ store, definitions }: Tasking, name: string, ttlMs: number) {
  const taskNames = [...definitions.keys()]
  const rest = { concurrency: 1, queues: ['default'], version: '' }
  await store.registerWorker({ id: store.newId(), name, ttlMs, taskNames, ...rest })
}

describe('with --wait', () => {
  const database = useDatabase()
  let stop: () => Promise<void>

  beforeAll(async () => {
    const tasking = createTasking({ store: pgStore({ url: database.url }), tasks: [greet, fail] })
    const worker = createWorker({ tasking, queues: ['default', 'greetings'] })
    await worker.start()
    stop = async () => {
      await worker.stop()
      await tasking.close()
    }
  })

  afterAll(() => stop())

  test('the result goes to standard output, and nothing else', async () => {
    const input = '{"name": "Ann"}'
    const args = ['dispatch', 'greet', input, '--queue', 'greetings', '--wait', '20s']
    const { code, stdout, stderr } = await cli(args, { url: database.url })
    expect({ code, result: JSON.parse(stdout) }).toEqual({
      code: 0,
      result: { greeting: 'Hello Ann!' },
    })
    expect(stderr).toMatch(/^Dispatched [-\da-f]{36}, waiting for its end\.\n$/)
  })

  test('a failed task fails the command', async () => {
    const { code, stdout, stderr } = await cli(['dispatch', 'fail', '--wait', '--json'], {
      url: database.url,
    })
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({ state: 'failed', error: { name: 'RangeError' } })
    expect(JSON.parse(stderr)).toMatchObject({
      error: { code: 'task_failed', message: expect.stringContaining('RangeError: out of luck') },
    })
  })

  test('the wait may be limited', async () => {
    const args = ['dispatch', 'greet', '{"name": "Bo"}', '--queue', 'unserved', '--wait', '10ms']
    const { code, stderr } = await cli(args, { url: database.url })
    expect(code).toBe(1)
    expect(stderr).toContain('[result_timeout]')
  })
})
