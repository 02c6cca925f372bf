import { defineTask } from '@tasking/core'
import type { Turn } from '@tasking/core'
import { expect, test } from 'vitest'

import { forwardingStore } from './forwarding-store.ts'
import { LogBook } from './log-book.ts'
import { Scene } from './scene.ts'

const broken = defineTask({
  name: 'broken',
  retry: { limit: 1, backoff: { kind: 'fixed', delay: '10ms' }, jitter: 0 },
  run() {
    throw Object.assign(new TypeError('no such remote'), { code: 'ENOREMOTE' })
  },
})

test('each attempt that fails is logged once, with its task, its worker and its error', async () => {
  await using scene = await Scene.open('memory')
  const tasking = scene.tasking([broken])
  const book = new LogBook()
  const { worker } = await scene.startedWorker(tasking, { logger: book.logger })
  const { id, finished } = await tasking.dispatch(broken, undefined, { correlationId: 'c' })
  await finished()
  await worker.stop()
  const lines = book.entries.filter(({ message }) => message === 'a handler failed')
  const ids = { workerId: worker.id, taskId: id, task: 'broken', correlationId: 'c' }
  const err = { type: 'TypeError', code: 'ENOREMOTE', message: 'no such remote' }
  expect(lines.map(({ fields }) => fields)).toEqual([
    { ...ids, attempt: 1, err, retryInMs: 10 },
    { ...ids, attempt: 2, err },
  ])
  expect(new Set(lines.map(({ level }) => level))).toEqual(new Set(['warn']))
})

test('of an error that is redacted nothing else is logged', async () => {
  await using scene = await Scene.open('memory')
  const secret = defineTask({
    name: 'secret',
    redactError: () => ({ name: 'Error', message: 'withheld' }),
    run() {
      throw new Error('the password is 1234')
    },
  })
  const tasking = scene.tasking([secret])
  const book = new LogBook()
  await scene.startedWorker(tasking, { logger: book.logger })
  const { id } = await tasking.dispatch(secret)
  const { fields } = await book.next('a handler failed', id)
  expect(fields['err']).toEqual({ type: 'Error', message: 'withheld' })
  expect(JSON.stringify(book.entries)).not.toContain('1234')
})

test('a task that ends well or is canceled is no failure', async () => {
  await using scene = await Scene.open('memory')
  const running = scene.meeting(1)
  const waiting = defineTask({
    name: 'waiting',
    async run(_input: undefined, { signal }) {
      void running.arrive()
      await new Promise((abort) => signal.addEventListener('abort', abort))
      signal.throwIfAborted()
    },
  })
  const quick = defineTask({ name: 'quick', run: () => 1 })
  const tasking = scene.tasking([waiting, quick])
  const book = new LogBook()
  await scene.startedWorker(tasking, { logger: book.logger })
  await (await tasking.dispatch(quick)).result()
  const handle = await tasking.dispatch(waiting)
  await running.complete
  await handle.cancel()
  expect(await handle.finished()).toMatchObject({ state: 'canceled' })
  expect(book.entries.filter(({ level }) => level === 'warn')).toEqual([])
})

test('the end that the store refuses is logged with its task', async () => {
  await using scene = await Scene.open('memory')
  const quick = defineTask({ name: 'quick', run: () => 1 })
  const tasking = scene.tasking([quick], {
    wrap: (store) =>
      forwardingStore(store, {
        turn: async (turn: Turn) => ({
          ...(await store.turn(turn)),
          refused: turn.completions.map(({ id }) => id),
        }),
      }),
  })
  const book = new LogBook()
  const { worker } = await scene.startedWorker(tasking, { logger: book.logger })
  const { id } = await tasking.dispatch(quick)
  const { fields } = await book.next('the end of a task was refused: it is not ours')
  expect(fields).toEqual({ workerId: worker.id, taskId: id, task: 'quick' })
})
