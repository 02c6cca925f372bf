import { defineTask, systemClock } from '@tasking/core'
import type { Clock } from '@tasking/core'
import { eventually, isAlive } from '@tasking/testbed'
import { describe, expect, test } from 'vitest'

import { gooey, listening, quick, spawning } from './fixtures/isolated-tasks.ts'
import { frozenClock } from './hand-clock.ts'
import { isolatedWorker, useIsolatedWorker } from './isolated-scene.ts'
import { LogBook } from './log-book.ts'
import { Scene } from './scene.ts'

describe.each(['thread', 'process'] as const)('a handler in a %s', (isolation) => {
  // Whoever listens ends by itself, however long a busy machine takes for that.
  const definitions = [gooey, quick, { ...listening, grace: '20s' as const }]
  const used = useIsolatedWorker(isolation, { concurrency: 1, grace: '300ms' }, { definitions })

  test('row 9: that ignores a cancel ends as canceled within its grace and a second', async () => {
    const { tasking, book, log } = used()
    const handle = await tasking.dispatch(gooey)
    const next = await tasking.dispatch(quick)
    await book.next('spinning', handle.id)
    const askedAt = Date.now()
    await tasking.cancel(handle.id, 'superseded')
    const canceled = await handle.finished()
    expect(canceled).toMatchObject({ state: 'canceled', cancelReason: 'superseded', error: null })
    // Not when this process, which looks now and then, has heard of it.
    const tookMs = (canceled.finishedAt?.getTime() ?? NaN) - askedAt
    // Timers may ring a moment early.
    expect(tookMs).toBeGreaterThan(290)
    expect(tookMs).toBeLessThan(1_300)
    expect(log.of('killed')).toContainEqual({
      kind: 'killed',
      taskId: handle.id,
      code: 'task_canceled',
    })
    expect(await next.finished()).toMatchObject({ state: 'completed' })
  })

  test('hears of a cancel, and has its grace to end by itself', async () => {
    const { tasking, book, log } = used()
    const handle = await tasking.dispatch(listening, 'return')
    await book.next('listening', handle.id)
    await tasking.cancel(handle.id)
    expect(await handle.finished()).toMatchObject({ state: 'canceled', error: null })
    expect((await book.next('told', handle.id)).fields).toMatchObject({ code: 'task_canceled' })
    expect(log.events).not.toContainEqual(
      expect.objectContaining({ kind: 'killed', taskId: handle.id }),
    )
  })
})

test('a process is killed with the processes that its handler has started', async () => {
  await using scene = await Scene.open()
  const { tasking, book } = await isolatedWorker(scene, 'process', { grace: '50ms' })
  const handle = await tasking.dispatch(spawning)
  const pid = Number((await book.next('spawned')).fields['pid'])
  expect(isAlive(pid)).toBe(true)
  await handle.cancel()
  expect(await handle.finished()).toMatchObject({ state: 'canceled' })
  await eventually(() => !isAlive(pid), { what: 'its end' })
})

describe.each(['inline', 'thread', 'process'] as const)('a timeout, %s,', (isolation) => {
  const timed = [
    { ...gooey, name: 'gooey', timeout: '200ms', grace: '100ms' },
    { ...listening, name: 'listening', timeout: '200ms' },
  ] as const
  const used = useIsolatedWorker(isolation, { concurrency: 1 }, { definitions: timed })
  const timedOut = {
    state: 'failed',
    result: null,
    error: {
      name: 'TaskTimeoutError',
      code: 'task_timeout',
      message: 'The task timed out after 200ms.',
    },
  }

  test.each(['throw', 'return'] as const)('fails a task whose handler then %ss', async (then) => {
    const { tasking, book } = used()
    const handle = await tasking.dispatch(listening, then)
    expect(await handle.finished()).toMatchObject(timedOut)
    expect((await book.next('told', handle.id)).fields).toMatchObject({ code: 'task_timeout' })
  })

  test('kills a handler that goes on', async () => {
    // Nothing could end it on the worker's own event loop.
    if (isolation === 'inline') return
    const { tasking, log } = used()
    const handle = await tasking.dispatch(gooey)
    expect(await handle.finished()).toMatchObject(timedOut)
    const killed = { kind: 'killed', taskId: handle.id, code: 'task_timeout' }
    expect(log.events).toContainEqual(killed)
  })
})

describe('an inline handler that goes on although it was aborted', () => {
  test('is said to be stuck, and keeps its reservations until it ends', async () => {
    await using scene = await Scene.open()
    const running = scene.meeting(1)
    const gate = scene.gate()
    const resources = { exclusive: ['a'] }
    const deaf = defineTask({
      ...{ name: 'deaf', resources, grace: '50ms' },
      async run() {
        void running.arrive()
        await gate.opened
      },
    })
    const next = defineTask({ name: 'next', resources, run: () => 1 })
    const free = defineTask({ name: 'free', run: () => 1 })
    const tasking = scene.tasking([deaf, next, free])
    const book = new LogBook()
    const { log } = await scene.startedWorker(tasking, { concurrency: 2, logger: book.logger })
    const stuck = await tasking.dispatch(deaf)
    const waiting = await tasking.dispatch(next)
    await running.complete
    await stuck.cancel()
    expect(await log.next('stuck')).toEqual({
      kind: 'stuck',
      taskId: stuck.id,
      code: 'task_canceled',
    })
    const line = 'a handler is stuck: it goes on although its signal has aborted'
    expect(await book.next(line)).toMatchObject({
      level: 'warn',
      fields: { taskId: stuck.id, task: 'deaf', code: 'task_canceled', graceMs: 50 },
    })
    // A whole turn goes by in which the next one could be claimed.
    await (await tasking.dispatch(free)).result()
    expect(await waiting.load()).toMatchObject({ state: 'waiting' })
    gate.open()
    expect(await stuck.finished()).toMatchObject({ state: 'canceled' })
    expect(await waiting.finished()).toMatchObject({ state: 'completed' })
  })
})

test('a stop that aborts waits for no stuck inline handler, but its reservations stay', async () => {
  await using scene = await Scene.open()
  const running = scene.meeting(2)
  const gate = scene.gate()
  const deaf = defineTask({
    ...{ name: 'deaf', resources: { exclusive: ['a'] }, grace: '50ms' },
    async run() {
      void running.arrive()
      await gate.opened
    },
  })
  const slow = defineTask({
    name: 'slow',
    async run(_input: undefined, { signal }) {
      void running.arrive()
      await new Promise((abort) => signal.addEventListener('abort', abort))
      return 'in time'
    },
  })
  const tasking = scene.tasking([deaf, slow])
  const { worker } = await scene.startedWorker(tasking, { concurrency: 2 })
  const stuck = await tasking.dispatch(deaf)
  const other = await tasking.dispatch(slow)
  await running.complete
  await worker.stop({ abortAfter: '10ms' })
  await expect(worker.ended).rejects.toMatchObject({ code: 'handlers_stuck', taskNames: ['deaf'] })
  expect(await other.load()).toMatchObject({ state: 'completed', result: 'in time' })
  expect(await stuck.load()).toMatchObject({ state: 'running' })
  expect(worker.health.phase).toBe('stopping')
  gate.open()
  expect(await stuck.finished()).toMatchObject({ state: 'completed' })
  const unregistered = async () => (await tasking.store.workers()).length === 0
  await eventually(unregistered, { what: 'its end' })
})

test.each([
  ['worker_stopping', undefined],
  ['task_timeout', 30],
] as const)('a stop waits for no poll to see stuck handlers: %s', async (code, timeout) => {
  await using scene = await Scene.open('memory')
  const running = scene.meeting(1)
  const gate = scene.gate()
  const [abortAfter, grace] = [10, 50]
  const deaf = defineTask({
    ...{ name: 'deaf', grace, ...(timeout && { timeout }) },
    async run() {
      void running.arrive()
      await gate.opened
    },
  })
  const clock: Clock = {
    ...frozenClock,
    sleep: (ms, signal) =>
      ([abortAfter, grace, timeout].includes(ms) ? systemClock : frozenClock).sleep(ms, signal),
  }
  const tasking = scene.tasking([deaf])
  await tasking.dispatch(deaf)
  const { worker, log } = await scene.startedWorker(tasking, { clock })
  await running.complete
  expect(worker.health).toMatchObject({ stuck: 0 })
  if (timeout !== undefined) await log.next('stuck')
  await worker.stop({ abortAfter })
  await expect(worker.ended).rejects.toMatchObject({ code: 'handlers_stuck', taskNames: ['deaf'] })
  expect(log.of('stuck')).toMatchObject([{ code }])
  expect(worker.health).toMatchObject({ phase: 'stopping', stuck: 1 })
})

describe('the timeout of a dispatch', () => {
  test.each([
    ['shorter', '1h', '30ms'],
    ['longer', '30ms', '1h'],
  ] as const)('that is %s goes before the one of the definition', async (_, own, asked) => {
    await using scene = await Scene.open()
    const started = scene.meeting(1)
    const gate = scene.gate()
    const job = defineTask({
      ...{ name: 'job', timeout: own },
      async run(_input: undefined, { signal }) {
        void started.arrive()
        const aborted = new Promise((abort) => signal.addEventListener('abort', abort))
        await Promise.race([aborted, gate.opened])
      },
    })
    const other = defineTask({
      ...{ name: 'other', timeout: '60ms' as const },
      run: (_input: undefined, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error))
        }),
    })
    const tasking = scene.tasking([job, other])
    await scene.startedWorker(tasking, { concurrency: 2 })
    const handle = await tasking.dispatch(job, undefined, { timeout: asked })
    await started.complete
    // By then the shorter one of the two is over.
    await (await tasking.dispatch(other)).finished()
    gate.open()
    const { state, error } = await handle.finished()
    expect([state, error?.code]).toEqual(
      asked === '1h' ? ['completed', undefined] : ['failed', 'task_timeout'],
    )
  })
})
