import { setImmediate as later } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { correlationId, withCorrelationId } from '../src/correlation.ts'
import { createTasking } from '../src/client.ts'
import { defineTask } from '../src/definition.ts'
import { MemoryStore } from '../src/memory-store.ts'

test('lasts for what runs under it, awaited or not, and no longer', async () => {
  const seen = withCorrelationId('outer', async () => {
    const inner = withCorrelationId('inner', async () => {
      await later()
      return correlationId()
    })
    const none = withCorrelationId(undefined, correlationId)
    return [correlationId(), await inner, none, correlationId()]
  })
  expect(correlationId()).toBeUndefined()
  expect(await seen).toEqual(['outer', 'inner', undefined, 'outer'])
})

test.each(['', ' ', 'x'.repeat(201), 'a\0b', 5 as never])('%j is none', async (id) => {
  expect(() => withCorrelationId(id, () => 1)).toThrow(/correlationId/)
  const task = defineTask({ name: 'task', run: () => 1 })
  const tasking = createTasking({ store: new MemoryStore() })
  const dispatched = tasking.dispatch(task, undefined, { correlationId: id })
  await expect(dispatched).rejects.toMatchObject({ code: 'invalid_option' })
})

test('one that is given at the dispatch comes before the one around it', async () => {
  const task = defineTask({ name: 'task', run: () => 1 })
  const tasking = createTasking({ store: new MemoryStore() })
  const handles = await withCorrelationId('around', async () => [
    await tasking.dispatch(task),
    await tasking.dispatch(task, undefined, { correlationId: 'own' }),
  ])
  const found = await Promise.all(handles.map((handle) => handle.load()))
  expect(found.map((each) => each.correlationId)).toEqual(['around', 'own'])
})
