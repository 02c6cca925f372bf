import { describe, expect, test } from 'vitest'
import { counting } from '../fixtures/isolated-tasks.ts'
import { useIsolatedWorker } from '../isolated-scene.ts'
import { eventually } from '@tasking/testbed'

describe('row 16: several progress reports per task', () => {
  describe.each(['inline', 'thread', 'process'] as const)('with handlers %s', (isolation) => {
    const used = useIsolatedWorker(isolation, {}, { shared: true })
    const files = { code: 'files', message: 'copying', done: 5_000, total: 5_000, suffix: 'files' }
    const other = { code: 'progress', message: 'thinking', done: 1, total: null, suffix: null }

    test.each([
      ['return', 'completed'],
      ['throw', 'failed'],
    ] as const)('end as their task, which %ss: %s', async (then, state) => {
      const { tasking } = used()
      const handle = await tasking.dispatch(counting, then)
      await handle.finished()
      expect(await handle.progress()).toMatchObject([
        { ...files, state },
        { ...other, state },
      ])
      expect(await tasking.progress(handle.id)).toHaveLength(2)
    })

    test('can be read while it runs, and end as canceled', async () => {
      const { tasking } = used()
      const handle = await tasking.dispatch(counting, 'wait')
      await eventually(async () => (await handle.progress()).length === 2, { what: 'the reports' })
      expect(await handle.progress()).toMatchObject([{ state: 'running' }, { state: 'running' }])
      await handle.cancel()
      await handle.finished()
      expect(await handle.progress()).toMatchObject([
        { ...files, state: 'canceled' },
        { ...other, state: 'canceled' },
      ])
    })
  })
})
