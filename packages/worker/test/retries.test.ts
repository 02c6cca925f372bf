import { defineTask, NoRetryError } from '@tasking/core'
import type { RetryPolicy } from '@tasking/core'
import { spawnNode } from '@tasking/testbed'
import { describe, expect, test } from 'vitest'

import { flaky } from './fixtures/isolated-tasks.ts'
import { useIsolatedWorker } from './isolated-scene.ts'
import { Scene } from './scene.ts'

const soon: RetryPolicy = { limit: 2, backoff: { kind: 'fixed', delay: 10 } }

describe.each(['inline', 'thread', 'process'] as const)('a task that fails %s', (isolation) => {
  const used = useIsolatedWorker(isolation, { concurrency: 1, grace: '100ms' })

  test('is tried again, and completes', async () => {
    const handle = await used().tasking.dispatch(flaky, 'throw')
    expect(await handle.result()).toEqual({ attempt: 2 })
    expect(await handle.load()).toMatchObject({ attempt: 2, error: null })
  })

  test('is not tried again when it says so', async () => {
    const handle = await used().tasking.dispatch(flaky, 'never')
    expect(await handle.finished()).toMatchObject({
      ...{ state: 'failed', attempt: 1, error: { code: 'no_retry', message: 'give up' } },
    })
  })

  test('is tried again after a timeout', async ({ skip }) => {
    skip(isolation === 'inline', 'this one blocks its event loop')
    const handle = await used().tasking.dispatch(flaky, 'spin', { timeout: '200ms' })
    expect(await handle.result()).toEqual({ attempt: 2 })
  })

  test('is tried again after a crash', async ({ skip }) => {
    skip(isolation === 'inline', 'it would take the worker along')
    const handle = await used().tasking.dispatch(flaky, 'exit')
    expect(await handle.result()).toEqual({ attempt: 2 })
  })
})

describe('an inline handler', () => {
  test('sees its attempt; its last error stays when no attempt is left', async () => {
    await using scene = await Scene.open()
    const attempts: number[] = []
    const job = defineTask({
      ...{ name: 'job', retry: soon },
      run(_input: undefined, { attempt }) {
        attempts.push(attempt)
        throw new Error(`attempt ${attempt}`)
      },
    })
    const tasking = scene.tasking([job])
    await scene.startedWorker(tasking)
    const handle = await tasking.dispatch(job)
    expect(await handle.finished()).toMatchObject({
      ...{ state: 'failed', attempt: 3, error: { message: 'attempt 3' } },
    })
    expect(attempts).toEqual([1, 2, 3])
  })

  test('that timed out is tried again, and a late result counts for nothing', async () => {
    await using scene = await Scene.open()
    const job = defineTask({
      ...{ name: 'job', retry: soon, timeout: '50ms' },
      async run(_input: undefined, { attempt, signal }) {
        if (attempt > 1) return attempt
        await new Promise((abort) => signal.addEventListener('abort', abort))
        return 'too late'
      },
    })
    const tasking = scene.tasking([job])
    await scene.startedWorker(tasking)
    expect(await (await tasking.dispatch(job)).result()).toBe(2)
  })

  test('that was asked to stop is not tried again', async () => {
    await using scene = await Scene.open()
    const running = scene.meeting(1)
    const job = defineTask({
      ...{ name: 'job', retry: soon },
      async run(_input: undefined, { signal }) {
        void running.arrive()
        await new Promise((abort) => signal.addEventListener('abort', abort))
        throw new Error('no luck')
      },
    })
    const tasking = scene.tasking([job])
    await scene.startedWorker(tasking)
    const handle = await tasking.dispatch(job)
    await running.complete
    await handle.cancel()
    expect(await handle.finished()).toMatchObject({ state: 'canceled', attempt: 1 })
  })

  test('can be canceled while it waits to be tried again', async () => {
    await using scene = await Scene.open()
    const job = defineTask({
      ...{ name: 'job', retry: { limit: 2, backoff: { kind: 'fixed', delay: '1h' } } },
      run: () => Promise.reject(new Error('no luck')),
    })
    const tasking = scene.tasking([job])
    const { log } = await scene.startedWorker(tasking)
    const handle = await tasking.dispatch(job)
    await log.next('finished', { taskId: handle.id })
    expect(await handle.load()).toMatchObject({
      ...{ state: 'scheduled', attempt: 2, error: { message: 'no luck' } },
    })
    expect(await handle.cancel('enough')).toMatchObject({ state: 'canceled' })
  })

  test.each([
    ['lets the line move on', false, ['first 1', 'second 1', 'first 2']],
    ['keeps its place', true, ['first 1', 'first 2', 'second 1']],
  ])('that is tried again %s', async (_, keepPlace, wanted) => {
    await using scene = await Scene.open()
    const order: string[] = []
    const job = defineTask({
      ...{ name: 'job', resources: { exclusive: ['r'] } },
      retry: { limit: 1, keepPlace, backoff: { kind: 'fixed', delay: '100ms' } },
      run(name: string, { attempt }) {
        order.push(`${name} ${attempt}`)
        if (name === 'first' && attempt === 1) throw new Error('no luck')
      },
    })
    const tasking = scene.tasking([job])
    const handles = [await tasking.dispatch(job, 'first'), await tasking.dispatch(job, 'second')]
    await scene.startedWorker(tasking, { concurrency: 4 })
    await Promise.all(handles.map((handle) => handle.finished()))
    expect(order).toEqual(wanted)
  })

  test.each([
    ['fails', 'fail', 'failed'],
    ['is tried again if its definition says so', 'retry', 'scheduled'],
  ] as const)('whose worker is stopped %s', async (_, ifWorkerMissing, state) => {
    await using scene = await Scene.open()
    const running = scene.meeting(1)
    const job = defineTask({
      ...{ name: 'job', ifWorkerMissing },
      retry: { limit: 2, backoff: { kind: 'fixed', delay: '1h' }, retryable: () => true },
      async run(_input: undefined, { signal }) {
        void running.arrive()
        await new Promise((abort) => signal.addEventListener('abort', abort))
        signal.throwIfAborted()
      },
    })
    const tasking = scene.tasking([job])
    const { worker } = await scene.startedWorker(tasking)
    const handle = await tasking.dispatch(job)
    await running.complete
    await worker.stop({ abortAfter: 0 })
    expect(await handle.load()).toMatchObject({
      ...{ state, error: { code: 'worker_stopping', message: 'Aborted during worker shutdown.' } },
    })
  })
})

test('a task whose worker is killed is tried again by another, if its definition says so', async () => {
  await using scene = await Scene.open()
  // The first attempt's definition is in the fixture.
  const hold = defineTask({
    ...{ name: 'hold', retry: soon, ifWorkerMissing: 'retry' as const },
    resources: { exclusive: ['a'] },
    run(_input: undefined, { attempt }) {
      return { attempt }
    },
  })
  const tasking = scene.tasking([hold])
  const handle = await tasking.dispatch(hold)
  await using doomed = spawnNode(new URL('fixtures/holder.ts', import.meta.url), [scene.url])
  await doomed.waitForLine(/^holding$/)
  doomed.kill('SIGKILL')
  await doomed.exit
  await scene.startedWorker(tasking)
  expect(await handle.result({ timeout: '20s' })).toEqual({ attempt: 2 })
})

test('an error that is no reason to give up can carry its cause', () => {
  const cause = new Error('the cause')
  expect(new NoRetryError('give up', { cause })).toMatchObject({ code: 'no_retry', cause })
})
