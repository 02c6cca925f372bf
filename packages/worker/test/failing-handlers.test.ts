import { defineTask, TaskFailedError } from '@tasking/core'
import type { AnyTaskDefinition } from '@tasking/core'
import { describe, expect, test } from 'vitest'

import { Scene } from './scene.ts'
import { schemaOf } from './schema.ts'

const isText = schemaOf<string, string>(['repository'], (value) => {
  if (typeof value !== 'string') throw new TypeError('no text')
  return value
})

const failing: Readonly<Record<string, { definition: AnyTaskDefinition; error: object }>> = {
  'throws an error with a code': {
    definition: defineTask({
      name: 'with code',
      run: () => Promise.reject(Object.assign(new RangeError('no more'), { code: 'ENOMORE' })),
    }),
    error: {
      name: 'RangeError',
      message: 'no more',
      code: 'ENOMORE',
      stack: expect.stringContaining('failing-handlers.test.ts'),
    },
  },
  'throws text': {
    definition: defineTask({ name: 'text', run: () => Promise.reject('just text') }),
    error: { name: 'Error', message: 'just text' },
  },
  'throws a NUL character': {
    definition: defineTask({ name: 'nul error', run: () => Promise.reject(new Error('a\0b')) }),
    error: { message: 'a\ufffdb' },
  },
  'returns a bigint': {
    definition: defineTask({ name: 'bigint', run: () => ({ total: 1n }) }),
    error: { name: 'NotJsonError', code: 'not_json', message: expect.stringContaining('BigInt') },
  },
  'returns a NUL character': {
    definition: defineTask({ name: 'nul result', run: () => 'a\0b' }),
    error: { code: 'not_json', message: expect.stringContaining('NUL') },
  },
  'has an input that is not valid': {
    definition: defineTask({ name: 'input', input: isText, run: () => 1 }),
    error: { code: 'invalid_input', message: expect.stringContaining('repository: ') },
  },
}

describe.each(['postgres', 'memory'] as const)('a worker on %s', (kind) => {
  test('fails tasks with a useful error, and lives on', async () => {
    await using scene = await Scene.open(kind)
    const fine = defineTask({ name: 'fine', run: () => 'fine' })
    const definitions = Object.values(failing).map(({ definition }) => definition)
    const tasking = scene.tasking([fine, ...definitions])
    const { worker } = await scene.startedWorker(tasking)
    for (const [what, { definition, error }] of Object.entries(failing)) {
      // A dispatcher of another version, that knows of no schema.
      const loose = defineTask({ name: definition.name, run: (_input: number) => 1 })
      const task = await (await tasking.dispatch(loose, 42)).finished()
      expect(task, what).toMatchObject({ state: 'failed', result: null })
      expect(task.error, what).toMatchObject(error)
      expect(task.finishedAt, what).toBeInstanceOf(Date)
    }
    const last = await (await tasking.dispatch(fine)).finished()
    expect(last).toMatchObject({ state: 'completed', result: 'fine', workerId: worker.id })
  })

  test('lets the next task have the resources of one that failed', async () => {
    await using scene = await Scene.open(kind)
    const resources = { exclusive: ['a'] }
    const bad = defineTask({ name: 'bad', resources, run: () => Promise.reject(new Error('m')) })
    const good = defineTask({ name: 'good', resources, run: () => 'ran' })
    const tasking = scene.tasking([bad, good])
    const first = await tasking.dispatch(bad)
    const second = await tasking.dispatch(good)
    await scene.startedWorker(tasking)
    expect(await second.result()).toBe('ran')
    await expect(first.result()).rejects.toThrow(TaskFailedError)
  })
})
