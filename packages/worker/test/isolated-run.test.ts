import { silentLogger } from '@tasking/core'
import type { ClaimedTask } from '@tasking/core'
import { describe, expect, test } from 'vitest'

import { Child } from '../src/child.ts'
import type { ChildChannel, ChildEnd } from '../src/child-channel.ts'
import type { ToChild } from '../src/child-message.ts'
import type { ChildPool } from '../src/child-pool.ts'
import { IsolatedRun } from '../src/isolated-run.ts'
import { TaskAbort } from '../src/task-abort.ts'
import { Gate } from './gate.ts'

const task: ClaimedTask = {
  ...{ id: 'id', name: 'job', input: null, queue: 'default', fencingToken: 7n },
  ...{ parentId: null, groupId: null, correlationId: null, attempt: 1 },
  resources: { exclusive: [], shared: [] },
}
const { id, fencingToken } = task

/** Children whose every message is answered by `answer`, in place of threads. */
class HandPool implements Pick<ChildPool, 'take' | 'release'> {
  readonly heard: ToChild[] = []
  readonly released: Child[] = []
  taken = 0
  ready: Promise<void> = Promise.resolve()
  readonly #answer: (message: ToChild, channel: ChildChannel, end: () => void) => void

  constructor(answer: (message: ToChild, channel: ChildChannel, end: () => void) => void) {
    this.#answer = answer
  }

  async take(): Promise<Child> {
    this.taken += 1
    await this.ready
    let resolve: (end: ChildEnd) => void = () => undefined
    const channel: ChildChannel = {
      isolation: 'thread',
      send: (message) => {
        this.heard.push(message)
        this.#answer(message, channel, () => resolve({ exitCode: 1, signal: null }))
      },
      onMessage: () => undefined,
      ended: new Promise((end) => (resolve = end)),
      kill: () => resolve({ exitCode: 1, signal: null }),
    }
    return new Child(channel, () => undefined)
  }

  release(child: Child): void {
    this.released.push(child)
  }
}

function runWith(pool: HandPool, isolation: 'thread' | 'process' = 'thread'): IsolatedRun {
  // It needs no more of a pool than this one has.
  const ending = { task, definition: undefined, random: () => 0.5, log: silentLogger }
  return new IsolatedRun(ending, 'w', isolation, pool as unknown as ChildPool)
}

const complete = (channel: ChildChannel) => {
  channel.onMessage({ kind: 'began' })
  const completion = { id, fencingToken, state: 'completed', result: 1 } as const
  channel.onMessage({ kind: 'ended', completion })
}

describe('IsolatedRun', () => {
  test('begins elsewhere when its child ends before the handler was called', async () => {
    const pool = new HandPool((message, channel, end) => {
      if (message.kind === 'run' && pool.taken === 1) end()
      else if (message.kind === 'run') complete(channel)
    })
    let begun = 0
    const completion = await runWith(pool).run(() => (begun += 1))
    expect(completion).toEqual({ id, fencingToken, state: 'completed', result: 1 })
    expect([pool.taken, begun, pool.released.length]).toEqual([2, 1, 2])
  })

  test('does not call a handler twice', async () => {
    const pool = new HandPool((message, channel, end) => {
      if (message.kind !== 'run') return
      channel.onMessage({ kind: 'began' })
      end()
    })
    expect(await runWith(pool).run(() => undefined)).toMatchObject({
      ...{ state: 'failed', inTransaction: true },
      error: { code: 'handler_crashed' },
    })
    expect(pool.taken).toBe(1)
  })

  test('gives up when no child lives long enough', async () => {
    const pool = new HandPool((message, _channel, end) => {
      if (message.kind === 'run') end()
    })
    const completion = await runWith(pool).run(() => undefined)
    expect(completion).toMatchObject({ state: 'failed', error: { code: 'handler_crashed' } })
    expect(pool.taken).toBe(3)
  })

  test('does not begin what was aborted while its child was started', async () => {
    const pool = new HandPool(() => undefined)
    const gate = new Gate()
    pool.ready = gate.opened
    const run = runWith(pool)
    const ended = run.run(() => undefined)
    run.abort(new TaskAbort('task_canceled', 'superseded'))
    expect(await ended).toEqual({ id, fencingToken, state: 'canceled', error: null })
    gate.open()
    await gate.opened
    // The child is there for the next one.
    await expect.poll(() => pool.released.length).toBe(1)
    expect(pool.heard).toEqual([])
  })

  test('does not begin what was aborted while its directory was made', async () => {
    const pool = new HandPool(() => undefined)
    const run = runWith(pool, 'process')
    const ended = run.run(() => undefined)
    // It has its child now, and the system takes longer for a directory.
    for (let i = 0; i < 10; i += 1) await Promise.resolve()
    run.abort(new TaskAbort('task_canceled', 'superseded'))
    expect(await ended).toEqual({ id, fencingToken, state: 'canceled', error: null })
    expect(pool.heard.map(({ kind }) => kind)).toEqual(['abort'])
  })

  test('says why it was killed, not how', async () => {
    const pool = new HandPool((message, channel) => {
      if (message.kind === 'run') channel.onMessage({ kind: 'began' })
    })
    const run = runWith(pool)
    const ended = run.run(() => {
      run.abort(new TaskAbort('worker_stopping', 'Aborted during worker shutdown.'))
      run.kill()
    })
    expect(await ended).toMatchObject({
      ...{ state: 'failed', inTransaction: true },
      error: { code: 'worker_stopping', message: 'Aborted during worker shutdown.' },
    })
    expect(pool.heard.map(({ kind }) => kind)).toEqual(['run', 'abort'])
  })
})
