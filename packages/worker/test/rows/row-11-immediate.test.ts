import { defineTask } from '@tasking/core'
import type { DispatchedHandle } from '@tasking/core'
import { spawnNode } from '@tasking/testbed'
import postgres from 'postgres'
import { describe, expect, test } from 'vitest'

import { immediateRunner } from '../../src/index.ts'
import { Scene } from '../scene.ts'

const resources = { exclusive: ['a'] }
const hold = defineTask({ name: 'hold', resources, run: () => undefined })
const fixed = { kind: 'fixed', delay: 0 } as const
const immediate = immediateRunner()

describe('row 11: immediate tasks', () => {
  test('run in the dispatching process when nothing blocks them, and are done when dispatch returns', async () => {
    await using scene = await Scene.open()
    const ran: unknown[] = []
    const child = defineTask({
      ...{ name: 'child', immediate: true, resources: { exclusive: ['b'] } },
      run: async () => 'of mine',
    })
    const quick = defineTask({
      ...{ name: 'quick', immediate: true, resources },
      async run(number: number, { task, signal, fencingToken, attempt, dispatch, progress }) {
        ran.push(number, task.id, signal.aborted, attempt)
        progress({ code: 'half', message: 'half way', done: 1, total: 2 })
        const handle = await dispatch(child)
        return { token: String(fencingToken), child: (await handle.load()).result }
      },
    })
    const tasking = scene.tasking([quick, child], { immediate })
    await tasking.start()
    const [dispatcher] = await tasking.store.workers()
    expect(dispatcher).toMatchObject({ kind: 'dispatcher', queues: [], taskNames: [] })

    const handle = await tasking.dispatch(quick, 7)
    expect(handle.outcome).toBe('free')
    expect(ran).toEqual([7, handle.id, false, 1])
    const { fencingToken, ...task } = await handle.load()
    expect(task).toMatchObject({ state: 'completed', workerId: dispatcher?.id })
    expect(task.result).toEqual({ token: String(fencingToken), child: 'of mine' })
    expect(await handle.progress()).toMatchObject([{ code: 'half', state: 'completed' }])
    expect(await tasking.list({ parentId: handle.id })).toMatchObject([{ name: 'child' }])
    expect(await tasking.resources()).toEqual([])
  })

  test('whatever waits behind one goes on when it has ended', async () => {
    await using scene = await Scene.open()
    const [running, over] = [scene.meeting(1), scene.gate()]
    const first = defineTask({
      ...{ name: 'first', immediate: true, resources },
      async run() {
        void running.arrive()
        await over.opened
      },
    })
    const tasking = scene.tasking([first, hold], { immediate })
    await tasking.start()
    await scene.startedWorker(scene.tasking([hold]))
    const ended = tasking.dispatch(first)
    await running.complete
    const behind = await tasking.dispatch(hold)
    expect(behind.outcome).toBe('blocked')
    over.open()
    await ended
    expect(await behind.finished({ timeout: '10s' })).toMatchObject({ state: 'completed' })
  })

  test('when blocked, deferrable ones wait for a worker, and workers prefer them', async () => {
    await using scene = await Scene.open()
    const order: string[] = []
    const usual = defineTask({
      name: 'usual',
      priority: 1_000_000,
      run: () => void order.push('usual'),
    })
    const left = defineTask({
      ...{ name: 'left', immediate: true, resources, priority: -1_000_000 },
      run: async () => void order.push('left'),
    })
    const tasking = scene.tasking([left], { immediate })
    await tasking.start()
    const holder = await tasking.dispatch(hold)
    const other = await tasking.dispatch(usual)
    const handle = await tasking.dispatch(left)
    expect(handle.outcome).toBe('blocked')
    expect(await handle.load()).toMatchObject({ state: 'waiting', startedAt: null })
    await holder.cancel()
    const { worker } = await scene.startedWorker(scene.tasking([usual, left]))
    expect(await handle.finished()).toMatchObject({ state: 'completed', workerId: worker.id })
    await other.finished()
    expect(order).toEqual(['left', 'usual'])
  })

  test('when blocked, others are canceled: "Resources temporarily unavailable."', async () => {
    await using scene = await Scene.open()
    const now = defineTask({
      ...{ name: 'now', immediate: true, deferrable: false, resources },
      run: async () => 'ran',
    })
    const tasking = scene.tasking([now], { immediate })
    await tasking.start()
    expect(await (await tasking.dispatch(now)).result()).toBe('ran')
    await tasking.dispatch(hold)
    const handle = await tasking.dispatch(now)
    expect(handle.outcome).toBe('canceled')
    expect(await handle.load()).toMatchObject({
      ...{ state: 'canceled', startedAt: null, finishedAt: expect.any(Date) },
      error: { code: 'resources_unavailable', message: 'Resources temporarily unavailable.' },
    })
    await expect(handle.result()).rejects.toThrow('Resources temporarily unavailable.')
  })

  test('must be async, here and at a worker', async () => {
    await using scene = await Scene.open()
    const sync = defineTask({ name: 'sync', immediate: true, run: () => 'at once' })
    const tasking = scene.tasking([sync], { immediate })
    await tasking.start()
    await scene.startedWorker(scene.tasking([sync]))
    for (const preferDefer of [false, true]) {
      const handle = await tasking.dispatch(sync, undefined, { preferDefer })
      expect(await handle.finished()).toMatchObject({
        ...{ state: 'failed' },
        error: { name: 'HandlerNotAsyncError', code: 'handler_not_async' },
      })
    }
  })

  test('time out after 5 s by default, also when a worker runs them', async () => {
    await using scene = await Scene.open()
    const slow = defineTask({
      name: 'slow',
      immediate: true,
      run: (_input: undefined, { signal }) =>
        new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve())),
    })
    const tasking = scene.tasking([slow], { immediate })
    await tasking.start()
    const { worker } = await scene.startedWorker(scene.tasking([slow]))
    const handles = await Promise.all(
      [false, true].map((preferDefer) => tasking.dispatch(slow, undefined, { preferDefer })),
    )
    const [here, there] = await Promise.all(handles.map((handle) => handle.finished()))
    const timedOut = { code: 'task_timeout', message: 'The task timed out after 5s.' }
    expect(here).toMatchObject({ state: 'failed', error: timedOut })
    expect(here?.workerId).not.toBe(worker.id)
    expect(there).toMatchObject({ state: 'failed', error: timedOut, workerId: worker.id })
  })

  test('are tried again by workers', async () => {
    await using scene = await Scene.open()
    const flaky = defineTask({
      ...{ name: 'flaky', immediate: true, retry: { limit: 1, backoff: fixed } },
      async run(_input: undefined, { attempt }) {
        if (attempt === 1) throw new Error('not yet')
        return 'ran'
      },
    })
    const tasking = scene.tasking([flaky], { immediate })
    await tasking.start()
    const handle = await tasking.dispatch(flaky)
    expect(await handle.load()).toMatchObject({ state: 'scheduled', attempt: 2 })
    const { worker } = await scene.startedWorker(scene.tasking([flaky]))
    expect(await handle.finished()).toMatchObject({ result: 'ran', workerId: worker.id })
  })

  test('are aborted by a cancel from elsewhere', async () => {
    await using scene = await Scene.open()
    const running = scene.meeting(1)
    const long = defineTask({
      ...{ name: 'long', immediate: true, timeout: '1h' },
      async run(_input: undefined, { signal }) {
        void running.arrive()
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
      },
    })
    const tasking = scene.tasking([long], { immediate })
    await tasking.start()
    const ended = tasking.dispatch(long)
    await running.complete
    const elsewhere = scene.tasking([])
    const [task] = await elsewhere.list({ states: ['running'] })
    await elsewhere.cancel(task?.id ?? '', 'superseded')
    expect(await (await ended).load()).toMatchObject({
      ...{ state: 'canceled', cancelReason: 'superseded' },
    })
  })

  test('fail when their process dies, and free what they held', async () => {
    await using scene = await Scene.open()
    await using doomed = spawnNode(new URL('../fixtures/dispatcher.ts', import.meta.url), [
      scene.url,
    ])
    await doomed.waitForLine(/^running /)
    const tasking = scene.tasking([hold])
    const [running] = await tasking.list({ states: ['running'] })
    const next = await tasking.dispatch(hold)
    doomed.kill('SIGKILL')
    await doomed.exit
    await scene.startedWorker(tasking, { housekeeping: { missing: '100ms' } })
    expect(await next.finished({ timeout: '20s' })).toMatchObject({ state: 'completed' })
    expect(await tasking.find(running?.id ?? '')).toMatchObject({
      state: 'failed',
      error: { code: 'worker_missing', message: 'Worker "doomed" has gone missing.' },
    })
  })

  test('are left to workers by a process that was not started, in a transaction, in a batch, for later', async () => {
    await using scene = await Scene.open()
    const quick = defineTask({ name: 'quick', immediate: true, run: async () => 'ran' })
    const run = async () => 'ran'
    const now = defineTask({ name: 'now', immediate: true, deferrable: false, run })
    const tasking = scene.tasking([quick, now], { immediate })
    const sql = postgres(scene.url, { max: 1 })
    const isLeft = async (dispatched: Promise<DispatchedHandle<string>>, state = 'waiting') =>
      expect(await (await dispatched).load()).toMatchObject({ state, workerId: null })
    await isLeft(tasking.dispatch(quick))
    const refused = expect.objectContaining({ code: 'not_deferrable', taskName: 'now' })
    await expect(tasking.dispatch(now)).rejects.toEqual(refused)
    await tasking.start()
    await sql.begin(async (tx) => {
      // The scene doesn't know what kind of store it has.
      const target = { tx: tx as never }
      const { id } = await tasking.dispatch(quick, undefined, target)
      const [row] = await tx`select state::text from tasking.task where id = ${id}`
      expect(row?.['state']).toBe('waiting')
      await expect(tasking.dispatch(now, undefined, target)).rejects.toEqual(refused)
    })
    await sql.end()
    const [first] = await tasking.dispatchBatch([{ definition: quick }])
    expect(await first.load()).toMatchObject({ state: 'waiting' })
    await expect(tasking.dispatchBatch([{ definition: now }])).rejects.toThrow(/Entry 0.*batch/)
    await isLeft(tasking.dispatch(quick, undefined, { delay: '1h' }), 'scheduled')
    await expect(tasking.dispatch(now, undefined, { delay: '1h' })).rejects.toEqual(refused)
    await tasking.stop()
    await isLeft(tasking.dispatch(quick))
  })
})
