import { describe, expect, test } from 'vitest'

import { defineTask } from '../src/definition.ts'
import { MemoryStore } from '../src/memory-store.ts'
import { createTasking } from '../src/client.ts'
import { Hands } from './hands.ts'
import { settled } from '../src/testing/index.ts'

const job = defineTask({ name: 'job', run: () => ({ done: 1 }) })

async function setUp() {
  const tasking = createTasking({ store: new MemoryStore(), tasks: [job] })
  const hands = await Hands.register(tasking.store, 'job')
  return { tasking, hands, handle: await tasking.dispatch(job) }
}

describe('the result of a task', () => {
  test('is what the handler returned', async () => {
    const { hands, handle } = await setUp()
    const result = handle.result()
    await hands.complete(await hands.claim(), { done: 5 })
    expect(await result).toEqual({ done: 5 })
  })

  test('is there for one who asks late, or by the id alone', async () => {
    const { tasking, hands, handle } = await setUp()
    await hands.complete(await hands.claim(), { done: 5 })
    expect(await tasking.task(handle.id).result()).toEqual({ done: 5 })
  })

  test('of a failed task is an error with what went wrong', async () => {
    const { hands, handle } = await setUp()
    const error = { name: 'TypeError', message: 'no such remote', code: 'no_remote' }
    await hands.fail(await hands.claim(), error)
    await expect(handle.result()).rejects.toMatchObject({
      code: 'task_failed',
      taskId: handle.id,
      error,
      message: `Task ${handle.id} failed: no such remote`,
    })
  })

  test('of a canceled task is an error with the reason', async () => {
    const { handle } = await setUp()
    await handle.cancel('superseded')
    await expect(handle.result()).rejects.toMatchObject({
      code: 'task_canceled',
      message: expect.stringContaining('superseded'),
    })
  })

  test('of a task that is not there is an error', async () => {
    const { tasking } = await setUp()
    const handle = tasking.task(crypto.randomUUID())
    await expect(handle.result()).rejects.toMatchObject({
      code: 'task_not_found',
      taskId: handle.id,
    })
  })
})

describe('the end of a task', () => {
  test('is its record, however it ended', async () => {
    const { hands, handle } = await setUp()
    await hands.fail(await hands.claim(), { name: 'Error', message: 'm' })
    expect(await handle.finished()).toMatchObject({ id: handle.id, state: 'failed' })
  })

  test('is waited for while the task is canceling', async () => {
    const { hands, handle } = await setUp()
    const claimed = await hands.claim()
    expect(await handle.cancel()).toMatchObject({ state: 'canceling' })
    const finished = handle.finished()
    await hands.complete(claimed)
    expect(await finished).toMatchObject({ state: 'canceled', result: null })
  })
})

describe('a wait', () => {
  test('ends with its timeout, and the task goes on', async () => {
    const { hands, handle } = await setUp()
    await expect(handle.result({ timeout: '5ms' })).rejects.toMatchObject({
      code: 'result_timeout',
      taskId: handle.id,
      message: expect.stringContaining('5 ms'),
    })
    await hands.complete(await hands.claim(), 'late')
    expect(await handle.result()).toBe('late')
  })

  test('takes a timeout that is no whole number of milliseconds', async () => {
    const { hands, handle } = await setUp()
    const result = handle.result({ timeout: '1000.5ms' })
    await hands.complete(await hands.claim(), 'in time')
    expect(await result).toBe('in time')
  })

  // Node's timers end at 24.8 days: what is longer ends after a millisecond, or is refused.
  test.each(['30d', '60d'] as const)('of up to %s goes on', async (timeout) => {
    const { hands, handle } = await setUp()
    const outcome = handle.finished({ timeout }).then(
      () => 'finished',
      (error: unknown) => error,
    )
    const early = await Promise.race([outcome, new Promise((end) => setTimeout(end, 50, 'waits'))])
    await hands.complete(await hands.claim())
    expect(early).toBe('waits')
    expect(await outcome).toBe('finished')
  })

  test('refuses a timeout that is no duration', async () => {
    const { handle } = await setUp()
    const result = handle.result({ timeout: 'soon' as '1s' })
    await expect(result).rejects.toMatchObject({ code: 'invalid_option', option: 'timeout' })
  })

  test("ends with the signal's reason", async () => {
    const { handle } = await setUp()
    const abort = new AbortController()
    const reason = new Error('no longer of interest')
    const waits = [
      handle.result({ signal: abort.signal }),
      handle.finished({ signal: abort.signal, timeout: '1h' }),
    ]
    abort.abort(reason)
    expect(await Promise.allSettled(waits)).toEqual([
      { status: 'rejected', reason },
      { status: 'rejected', reason },
    ])
  })

  test('does not begin with a signal that has aborted', async () => {
    const { handle } = await setUp()
    const reason = new Error('too late')
    await expect(handle.result({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  })

  test('ends when the tasking is closed', async () => {
    const { tasking, handle } = await setUp()
    const results = Promise.allSettled([handle.result(), handle.finished({ timeout: '1h' })])
    await settled()
    await tasking.close()
    const closed = { message: expect.stringContaining('closed') }
    expect(await results).toMatchObject([{ reason: closed }, { reason: closed }])
  })

  test('does not begin once the tasking is closed', async () => {
    const { tasking, handle } = await setUp()
    await tasking.close()
    await expect(handle.result()).rejects.toThrow(/closed/)
  })
})

describe('a handle', () => {
  test('loads the record as it is now', async () => {
    const { hands, handle } = await setUp()
    expect(await handle.load()).toMatchObject({ state: 'waiting' })
    await hands.claim()
    expect(await handle.load()).toMatchObject({ state: 'running' })
  })

  test('says that its task is gone', async () => {
    const { tasking } = await setUp()
    await expect(tasking.task(crypto.randomUUID()).load()).rejects.toMatchObject({
      code: 'task_not_found',
    })
  })
})
