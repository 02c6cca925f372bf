import { batchEntry, withCorrelationId } from '@tasking/core'
import { describe, expect, test } from 'vitest'
import { parent, quick, where } from '../fixtures/isolated-tasks.ts'
import { useIsolatedWorker } from '../isolated-scene.ts'
import { Scene } from '../scene.ts'

describe('row 29: a correlation id', () => {
  describe.each(['inline', 'thread', 'process'] as const)('with handlers %s', (isolation) => {
    const used = useIsolatedWorker(isolation, {}, { shared: true })

    test('goes from the caller through the task to its log lines', async () => {
      const { tasking, book, worker } = used()
      const handle = await withCorrelationId('request 7', () =>
        tasking.dispatch(where, '2026-01-02'),
      )
      expect(await handle.result()).toMatchObject({ task: { correlationId: 'request 7' } })
      const { fields } = await book.next('hello', handle.id)
      expect(fields).toMatchObject({
        ...{ taskId: handle.id, workerId: worker.id, correlationId: 'request 7' },
      })
    })

    test('goes to its children, and all of it is found by the id', async () => {
      const { tasking } = used()
      const handle = await tasking.dispatch(parent, undefined, { correlationId: 'request 8' })
      const child = await handle.result()
      await tasking.task(child).finished()
      const found = await tasking.list({ correlationId: 'request 8' })
      expect(found.map(({ id, parentId }) => [id, parentId])).toEqual([
        [child, handle.id],
        [handle.id, null],
      ])
    })

    test('is none where the caller has none', async () => {
      const { tasking, book } = used()
      const handle = await tasking.dispatch(where, '2026-01-02')
      expect(await handle.finished()).toMatchObject({ correlationId: null })
      const { fields } = await book.next('hello', handle.id)
      expect(fields).not.toHaveProperty('correlationId')
      const free = await tasking.dispatch(parent)
      expect(await tasking.find(await free.result())).toMatchObject({ correlationId: null })
    })
  })

  test('of a caller is that of every entry of its batch, unless that has its own', async () => {
    await using scene = await Scene.open('memory')
    const tasking = scene.tasking([quick])
    const entries = [
      batchEntry(quick, undefined),
      batchEntry(quick, undefined, { correlationId: 'own' }),
    ]
    await withCorrelationId('all', () => tasking.dispatchBatch(entries))
    const found = await tasking.list()
    expect(found.map(({ correlationId }) => correlationId)).toEqual(['own', 'all'])
  })

  test('that surrounds the start of a worker is nothing to its tasks', async () => {
    await using scene = await Scene.open('memory')
    const tasking = scene.tasking([parent, quick])
    await withCorrelationId('of the worker', () => scene.startedWorker(tasking))
    const handle = await tasking.dispatch(parent)
    expect(await tasking.find(await handle.result())).toMatchObject({ correlationId: null })
  })
})
