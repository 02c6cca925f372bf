import { createTasking, defineTask, MemoryStore } from '@tasking/core'
import { describe, expect, test } from 'vitest'
import { createWorker } from '../../src/index.ts'
import { failing, quick, secretive } from '../fixtures/isolated-tasks.ts'
import { useIsolatedWorker } from '../isolated-scene.ts'

describe('row 18: a result in JSON, or an error', () => {
  describe.each(['inline', 'thread', 'process'] as const)('with handlers %s', (isolation) => {
    const used = useIsolatedWorker(isolation, {}, { shared: true })

    test('the result is there for everybody', async () => {
      const handle = await used().tasking.dispatch(quick)
      await handle.result()
      expect((await used().tasking.find(handle.id)).result).toMatchObject({
        pid: expect.any(Number),
      })
    })

    test('the error has its class, message, code and stack, unless it is redacted', async () => {
      const { tasking } = used()
      const plain = await (await tasking.dispatch(failing)).finished()
      expect(plain.error).toMatchObject({ name: 'RangeError', message: 'too far', code: 'EFAR' })
      expect(plain.error?.stack).toContain('isolated-tasks.ts')
      const unsafe = await (await tasking.dispatch(secretive, 'throw')).finished()
      expect(unsafe.error).toEqual({ name: 'RangeError', message: 'token …' })
    })

    test('what a crash says of it is redacted as well', async () => {
      // An inline one would end this process.
      if (isolation === 'inline') return
      const { error } = await (await used().tasking.dispatch(secretive, 'reject')).finished()
      expect(error).toEqual({ name: 'HandlerCrashedError', message: 'withheld', code: 'redacted' })
    })
  })

  test('the rule of the tasking serves definitions without one; one that throws tells nothing', async () => {
    const bad = defineTask({
      name: 'bad',
      run: () => Promise.reject(new Error('hunter2')),
      redactError: ({ message }) => {
        throw new Error(`can't redact ${message}`)
      },
    })
    const store = new MemoryStore()
    const redactError = () => ({ name: 'Error', message: 'withheld' })
    const tasking = createTasking({ store, tasks: [bad, failing], redactError })
    await using worker = await createWorker({ tasking, concurrency: 2 }).start()
    const [one, two] = [await tasking.dispatch(failing), await tasking.dispatch(bad)]
    expect((await one.finished()).error).toEqual({ name: 'Error', message: 'withheld' })
    const { error } = await two.finished()
    expect(error).toMatchObject({ code: 'error_withheld' })
    expect(JSON.stringify(error)).not.toContain('hunter2')
    expect(worker.running).toBe(0)
  })
})
