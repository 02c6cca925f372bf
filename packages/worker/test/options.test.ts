import { createTasking, defineTask, InvalidOptionError, MemoryStore } from '@tasking/core'
import { describe, expect, test } from 'vitest'

import { workerSettings } from '../src/options.ts'
import type { WorkerOptions } from '../src/options.ts'

const tasking = createTasking({ store: new MemoryStore() })
const settings = (options: Omit<WorkerOptions, 'tasking'> = {}) =>
  workerSettings({ ...options, tasking })

describe('workerSettings', () => {
  test('has a default for everything but the tasking', () => {
    expect(settings()).toMatchObject({
      tasking,
      concurrency: 1,
      queues: ['default'],
      name: 'worker',
      version: '',
      ttlMs: 30_000,
      auxiliary: false,
      pollMs: 280,
      isolation: 'inline',
      graceMs: 10_000,
    })
  })

  test('reads durations', () => {
    const { ttlMs, pollMs } = settings({ ttl: '1.5s', pollInterval: '1m' })
    expect([ttlMs, pollMs]).toEqual([1_500, 60_000])
  })

  test('keeps the order of the queues, each once', () => {
    expect(settings({ queues: ['b', 'a', 'b'] }).queues).toEqual(['b', 'a'])
  })

  test.each<[string, Omit<WorkerOptions, 'tasking'>]>([
    ['no slot', { concurrency: 0 }],
    ['half a slot', { concurrency: 1.5 }],
    ['too many slots', { concurrency: 10_001 }],
    ['slots that are not a number', { concurrency: Number.NaN }],
    ['no queue', { queues: [] }],
    ['an empty queue name', { queues: ['a', ''] }],
    ['too short a TTL', { ttl: '999ms' }],
    ['too long a TTL', { ttl: '2d' }],
    ['a TTL without a unit', { ttl: '30' as '30s' }],
    ['polling without a pause', { pollInterval: 0 }],
    ['an isolation that there is not', { isolation: 'container' as 'process' }],
    ['a grace that is no duration', { grace: '5' as '5s' }],
    ['half a mebibyte', { heapLimitMb: 0.5 }],
    ['a pause that is no duration', { pollInterval: 'often' as '1s' }],
  ])('refuses %s, and names the option', (_, options) => {
    const [option] = Object.keys(options)
    const make = () => settings(options)
    expect(make).toThrow(InvalidOptionError)
    expect(make).toThrow(expect.objectContaining({ option }))
  })

  test.each([
    ['the worker', {}, { isolation: 'thread' }],
    ['a definition', { isolation: 'process' }, {}],
  ] as const)('needs a module where %s isolates', (_, ofTask, ofWorker) => {
    const job = defineTask({ name: 'job', run: () => 1, ...ofTask })
    const isolated = createTasking({ store: new MemoryStore(), tasks: [job] })
    const make = (more: object) => workerSettings({ tasking: isolated, ...ofWorker, ...more })
    expect(() => make({})).toThrow(expect.objectContaining({ option: 'taskingModule' }))
    const { childSetUp } = make({ taskingModule: '/srv/tasking.js', taskingData: { a: 1 } })
    expect(childSetUp).toEqual({ module: 'file:///srv/tasking.js', data: { a: 1 } })
  })
})
