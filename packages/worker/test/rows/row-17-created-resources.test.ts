import { describe, expect, test } from 'vitest'
import { creating } from '../fixtures/isolated-tasks.ts'
import { useIsolatedWorker } from '../isolated-scene.ts'

describe('row 17: what a task created', () => {
  describe.each(['inline', 'thread', 'process'] as const)('with handlers %s', (isolation) => {
    const used = useIsolatedWorker(isolation, {}, { shared: true })
    const rest = ['version:2', 'artifact:1']

    async function statesOf(id: string) {
      const created = await used().tasking.created(id)
      return Object.fromEntries(created.map(({ resource, state }) => [resource, state]))
    }

    test('is recorded, and left alone when it completes', async () => {
      const handle = await used().tasking.dispatch(creating, 'return')
      await handle.result()
      expect(await statesOf(handle.id)).toEqual({
        ...{ 'version:1': 'complete', 'version:2': 'incomplete', 'artifact:1': 'incomplete' },
      })
      expect((await handle.created()).map(({ resource }) => resource)[0]).toBe('version:1')
    })

    test('and left incomplete is cleaned up when it fails, before that is told', async () => {
      const { tasking, book } = used()
      const handle = await tasking.dispatch(creating, 'throw')
      expect(await handle.finished()).toMatchObject({ error: { message: 'no luck' } })
      const { fields } = await book.next('cleaned up', handle.id)
      expect(fields).toMatchObject({ input: 'throw', created: rest, message: 'no luck' })
      expect(await statesOf(handle.id)).toEqual({
        ...{ 'version:1': 'complete', 'version:2': 'removed', 'artifact:1': 'removed' },
      })
    })

    test('and left incomplete is cleaned up when it is canceled', async () => {
      const { tasking, book } = used()
      const handle = await tasking.dispatch(creating, 'wait')
      await book.next('created', handle.id)
      await handle.cancel()
      expect(await handle.finished()).toMatchObject({ state: 'canceled' })
      const { fields } = await book.next('cleaned up', handle.id)
      expect(fields).toMatchObject({ created: rest, message: null, aborted: false })
      expect(await statesOf(handle.id)).toMatchObject({ 'version:2': 'removed' })
    })

    test('is cleaned up by another thread or process when its own dies', async () => {
      // An inline one would end this process.
      if (isolation === 'inline') return
      const { tasking, book } = used()
      const handle = await tasking.dispatch(creating, 'die')
      const ended = { state: 'failed', endsAs: 'failed', error: { code: 'handler_crashed' } }
      expect(await handle.finished()).toMatchObject(ended)
      const { fields } = await book.next('cleaned up', handle.id)
      expect(fields).toMatchObject({ input: 'die', created: rest })
      expect(await statesOf(handle.id)).toMatchObject({ 'version:2': 'removed' })
    })
  })
})
