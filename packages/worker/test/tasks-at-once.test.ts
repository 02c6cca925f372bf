import type { DispatchedTask, NewTask } from '@tasking/core'
import { settled } from '@tasking/core/testing'
import { expect, test, vi } from 'vitest'

import { TasksAtOnce } from '../src/tasks-at-once.ts'
import { Gate } from './gate.ts'

const task: NewTask = {
  ...{ id: 'one', name: 'task', input: null, queue: 'default', priority: 0 },
  resources: { exclusive: [], shared: [], counted: [] },
}

test('a dispatch waits while the worker is asked for what it owns, and is known meanwhile', async () => {
  const tasks = new TasksAtOnce()
  const [asked, start] = [new Gate(), vi.fn<() => void>()]
  const answer: DispatchedTask = { id: 'one', state: 'running', blocked: false, fencingToken: 1n }
  const dispatch = vi.fn<() => Promise<DispatchedTask>>(async () => answer)
  const handOver = tasks.during(asked.opened)
  const ended = tasks.run(task, dispatch, start)
  await settled()
  expect([dispatch.mock.calls.length, tasks.ids]).toEqual([0, ['one']])
  asked.open()
  await handOver
  await settled()
  expect(start.mock.calls).toMatchObject([[{ id: 'one', fencingToken: 1n, attempt: 1 }]])
  tasks.end('one')
  expect(await ended).toBe(answer)
  expect(tasks.isEmpty).toBe(true)
})
