import { defineTask, TaskNotFoundError, TaskStateError } from '@tasking/core'
import { describe, expect, test } from 'vitest'

import { Scene } from '../scene.ts'

describe('row 10: what is asked of a task in the wrong state is refused', () => {
  test('to cancel a finished one, and to delete an unfinished one', async () => {
    await using scene = await Scene.open()
    const [running, over] = [scene.meeting(1), scene.gate()]
    const hold = defineTask({
      name: 'hold',
      async run() {
        void running.arrive()
        await over.opened
      },
    })
    const tasking = scene.tasking([hold])
    const handle = await tasking.dispatch(hold)
    const conflict = (state: string) =>
      expect.objectContaining({ code: 'task_state_conflict', taskId: handle.id, state })
    await expect(tasking.delete(handle.id)).rejects.toEqual(conflict('waiting'))
    await scene.startedWorker(tasking)
    await running.complete
    await expect(tasking.delete(handle.id)).rejects.toEqual(conflict('running'))
    over.open()
    await handle.finished()
    await expect(handle.cancel()).rejects.toThrow(TaskStateError)
    await expect(handle.cancel()).rejects.toEqual(conflict('completed'))
    await tasking.delete(handle.id)
    await expect(tasking.delete(handle.id)).rejects.toThrow(TaskNotFoundError)
    await expect(handle.load()).rejects.toThrow(TaskNotFoundError)
  })

  test('to cancel one that has ended, however it did', async () => {
    await using scene = await Scene.open()
    const fine = defineTask({ name: 'fine', run: () => undefined })
    const broken = defineTask({ name: 'broken', run: () => Promise.reject(new Error('no luck')) })
    const tasking = scene.tasking([fine, broken])
    await scene.startedWorker(tasking)
    const waiting = await tasking.dispatch(fine, undefined, { queue: 'nobody' })
    await waiting.cancel()
    const [completed, failed] = [await tasking.dispatch(fine), await tasking.dispatch(broken)]
    for (const handle of [completed, failed, waiting]) {
      const { state, finishedAt } = await handle.finished()
      await expect(handle.cancel()).rejects.toMatchObject({ code: 'task_state_conflict', state })
      expect(await handle.load()).toMatchObject({ state, finishedAt })
    }
  })

  test('an unknown one is not found', async () => {
    await using scene = await Scene.open()
    const tasking = scene.tasking([])
    for (const id of [tasking.store.newId(), 'no id at all']) {
      await expect(tasking.cancel(id)).rejects.toThrow(TaskNotFoundError)
      await expect(tasking.delete(id)).rejects.toThrow(TaskNotFoundError)
    }
  })
})
