import { defineTask } from '@tasking/core'
import { describe, expect, test } from 'vitest'
import { Scene } from '../scene.ts'

const child = defineTask({
  name: 'child',
  run(fails: boolean) {
    if (fails) throw new Error('no luck')
  },
})

const parent = defineTask({
  name: 'parent',
  async run(_input: undefined, { dispatch }) {
    const children = [await dispatch(child, false), await dispatch(child, true)]
    return children.map(({ id }) => id)
  },
})

describe('row 15: a task dispatched by a task is its child', () => {
  test('listed and counted as such, and by nobody else', async () => {
    await using scene = await Scene.open()
    const tasking = scene.tasking([parent, child])
    await scene.startedWorker(tasking, { concurrency: 2 })
    const handle = await tasking.dispatch(parent)
    await tasking.dispatch(child, false)
    const ids = await handle.result()
    await Promise.all(ids.map((id) => tasking.task(id).finished()))
    const children = await tasking.list({ parentId: handle.id })
    expect(children.map(({ id }) => id)).toEqual(ids.toReversed())
    expect(await tasking.count({ parentId: handle.id })).toEqual({
      ...{ scheduled: 0, waiting: 0, running: 0, canceling: 0, skipped: 0, canceled: 0 },
      ...{ completed: 1, failed: 1 },
    })
  })
})
