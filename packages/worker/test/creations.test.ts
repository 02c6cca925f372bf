import { createTasking, defineTask, MemoryStore } from '@tasking/core'
import type { ClaimedTask, TaskContext } from '@tasking/core'
import { describe, expect, test } from 'vitest'

import { HandlerRun } from '../src/handler-run.ts'
import { TaskAbort, TaskTimeoutError } from '../src/task-abort.ts'
import { LogBook } from './log-book.ts'

const calls: unknown[] = []
const half = defineTask({
  name: 'half',
  async run(fails: boolean, { created, task: { id } }) {
    calls.push('run')
    await created(`version of ${id}`)
    if (fails) throw new Error('no luck')
  },
  cleanUp: ({ created, error }) => {
    calls.push(created.length, error?.message ?? null)
    if (error !== null) throw new Error('no clean-up either')
  },
})

async function claimed(
  store: MemoryStore,
  input: boolean,
): Promise<readonly [ClaimedTask, string]> {
  const tasking = createTasking({ store, tasks: [half] })
  await tasking.dispatch(half, input)
  const workerId = store.newId()
  await store.registerWorker({
    ...{ id: workerId, name: 'w', version: '', ttlMs: 60_000, concurrency: 1 },
    ...{ queues: ['default'], taskNames: ['half'] },
  })
  const { claimed: tasks } = await store.turn({ workerId, slots: 1, completions: [], looks: [] })
  const [task] = tasks
  if (task === undefined) throw new Error('nothing to claim')
  return [task, workerId]
}

test('a clean-up that fails changes nothing of the end, and leaves what is left to the next attempt', async () => {
  const store = new MemoryStore()
  const [task, workerId] = await claimed(store, true)
  const book = new LogBook()
  const tasking = createTasking({ store, tasks: [half] })
  const first = await new HandlerRun(task, workerId, { random: () => 0.5 }).run(
    tasking,
    book.logger,
  )
  expect(first).toMatchObject({ state: 'failed', error: { message: 'no luck' } })
  await book.next('the clean-up of what a handler created failed')
  expect(await store.created(task.id)).toMatchObject([{ state: 'incomplete' }])

  calls.length = 0
  const again = { ...task, attempt: 2, input: false }
  const second = await new HandlerRun(again, workerId, { random: () => 0.5 }).run(
    tasking,
    book.logger,
  )
  expect(second.state).toBe('completed')
  expect(calls).toEqual([1, null, 'run'])
})

test('what can not be recorded is not created', async () => {
  const store = new MemoryStore()
  const [task] = await claimed(store, false)
  const tasking = createTasking({ store, tasks: [half] })
  const completion = await new HandlerRun(task, 'another', { random: () => 0.5 }).run(
    tasking,
    new LogBook().logger,
  )
  expect(completion).toMatchObject({ state: 'failed', error: { code: 'task_lost' } })
})

describe('a handler that returns although its signal has aborted', () => {
  const stopping = new TaskAbort('worker_stopping', 'Aborted during worker shutdown.')
  const canceled = new TaskAbort('task_canceled', 'superseded')
  const complete = ({ complete: end }: TaskContext) => end(undefined, 'kept')

  test.each([
    [
      'keeps what it made at a shutdown: its task is completed',
      stopping,
      undefined,
      'completed',
      0,
    ],
    ['has it cleaned up at a cancel', canceled, undefined, 'completed', 1],
    ['has it cleaned up at its timeout', new TaskTimeoutError(5), undefined, 'failed', 1],
    [
      'keeps it at its timeout once it has completed',
      new TaskTimeoutError(5),
      complete,
      'failed',
      0,
    ],
    ['keeps it at a cancel once it has completed', canceled, complete, 'completed', 0],
  ] as const)('%s', async (_, reason, before, state, cleanUps) => {
    let cleaned = 0
    const making = defineTask({
      name: 'half',
      async run(_input: boolean, context) {
        await context.created('output')
        await before?.(context)
        run.abort(reason)
      },
      cleanUp: () => void (cleaned += 1),
    })
    const store = new MemoryStore()
    const [task, workerId] = await claimed(store, true)
    const tasking = createTasking({ store, tasks: [making] })
    const run = new HandlerRun(task, workerId, { random: () => 0.5 })
    expect(await run.run(tasking, new LogBook().logger)).toMatchObject({ state })
    expect(cleaned).toBe(cleanUps)
  })
})
