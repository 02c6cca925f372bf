import { existsSync } from 'node:fs'
import { threadId } from 'node:worker_threads'
import { isAlive } from '@tasking/testbed'
import { describe, expect, test } from 'vitest'

import { dying, failing, parent, quick, transfer, where } from './fixtures/isolated-tasks.ts'
import { useIsolatedWorker } from './isolated-scene.ts'
import { Scene } from './scene.ts'

const since = '2026-01-02'
const here = `${process.pid} ${threadId}`
const placeOf = (place: { pid: number; threadId: number }) => `${place.pid} ${place.threadId}`

describe.each(['inline', 'thread', 'process'] as const)('a handler, %s,', (isolation) => {
  const used = useIsolatedWorker(isolation, {}, { shared: true })

  test('has the same input and context everywhere', async () => {
    const { tasking, book } = used()
    const handle = await tasking.dispatch(where, since)
    const { fencingToken } = await handle.finished()
    expect(await handle.result()).toMatchObject({
      year: 2026,
      aborted: false,
      fencingToken: String(fencingToken),
      task: {
        id: handle.id,
        name: 'where',
        queue: 'default',
        parentId: null,
        resources: { exclusive: ['a'], shared: ['b'] },
      },
    })
    const { level, fields } = await book.next('hello', handle.id)
    expect([level, fields['task']]).toEqual(['info', 'where'])
    expect(fields['err']).toMatchObject({ message: 'no harm', code: 'ENOHARM' })
  })

  test('dispatches children of its task', async () => {
    const { tasking } = used()
    const handle = await tasking.dispatch(parent)
    const child = tasking.task(await handle.result())
    expect(await child.finished()).toMatchObject({ parentId: handle.id, state: 'completed' })
  })

  test('fails its task with what it throws', async () => {
    const { state, error } = await (await used().tasking.dispatch(failing)).finished()
    expect(state).toBe('failed')
    expect(error).toMatchObject({ name: 'RangeError', message: 'too far', code: 'EFAR' })
    expect(error?.stack).toContain('isolated-tasks.ts')
  })

  test('completes its task within a transaction', async () => {
    const { tasking, url } = used()
    const handle = await tasking.dispatch(transfer, { url, die: false })
    expect(await handle.finished()).toMatchObject({
      state: 'completed',
      result: 'in a transaction',
    })
  })

  test('that dies after it has completed its task in a transaction changes nothing', async () => {
    // An inline one would end this process.
    if (isolation === 'inline') return
    const { tasking, log, url } = used()
    const handle = await tasking.dispatch(transfer, { url, die: true })
    await log.next('finished', { taskId: handle.id })
    expect(await handle.load()).toMatchObject({ state: 'completed', result: 'in a transaction' })
  })
})

describe.each(['thread', 'process'] as const)('a %s', (isolation) => {
  const used = useIsolatedWorker(isolation, { concurrency: 1, heapLimitMb: 60 })

  test('runs one handler after the other', async () => {
    const { tasking } = used()
    const places = new Set<string>()
    for (let i = 0; i < 5; i += 1) {
      places.add(placeOf(await (await tasking.dispatch(quick)).result()))
    }
    expect(places.size).toBe(1)
    expect(places).not.toContain(here)
  })

  test('row 23: has a working directory of its own if it is a process, removed afterwards', async () => {
    const { tasking } = used()
    const { pid, directory, files } = await (await tasking.dispatch(where, since)).result()
    if (isolation === 'thread') {
      expect([pid, directory]).toEqual([process.pid, process.cwd()])
      return
    }
    expect(pid).not.toBe(process.pid)
    expect(directory).not.toBe(process.cwd())
    expect(files).toEqual([])
    expect(existsSync(directory)).toBe(false)
    const again = await (await tasking.dispatch(where, since)).result()
    expect(again.directory).not.toBe(directory)
  })

  test.each([
    ['process.exit', 'exit', `The ${isolation} that ran the handler ended with exit code 3.`],
    [
      'an error that nothing caught',
      'timer',
      `The ${isolation} that ran the handler ended because of an error that nothing caught: TypeError: thrown in a timer.`,
    ],
    [
      'taking all its memory',
      'memory',
      isolation === 'thread'
        ? 'The thread that ran the handler ended: Worker terminated due to reaching memory limit: JS heap out of memory.'
        : 'The process that ran the handler was killed by SIGABRT (signal 6).',
    ],
  ] as const)(
    'row 23: that ends by %s fails its task, and nothing else',
    async (_, way, message) => {
      const { tasking, worker } = used()
      const lost = await tasking.dispatch(dying, way)
      const next = await tasking.dispatch(quick)
      expect(await lost.finished()).toMatchObject({
        state: 'failed',
        error: { name: 'HandlerCrashedError', code: 'handler_crashed', message },
      })
      expect(await next.finished()).toMatchObject({ state: 'completed', workerId: worker.id })
    },
  )
})

describe('a process', () => {
  const used = useIsolatedWorker('process', { concurrency: 1 })

  test("row 23: that is killed fails its task with the signal's number", async () => {
    const { tasking, book } = used()
    const lost = await tasking.dispatch(dying, 'kill')
    expect(await lost.finished()).toMatchObject({
      error: { message: 'The process that ran the handler was killed by SIGKILL (signal 9).' },
    })
    const { fields } = await book.next('dying')
    expect(existsSync(String(fields['directory']))).toBe(false)
  })

  test('that dies between two handlers is replaced, and no task notices', async () => {
    const { tasking } = used()
    const first = await (await tasking.dispatch(quick)).result()
    process.kill(first.pid, 'SIGKILL')
    const second = await (await tasking.dispatch(quick)).result()
    expect(second.pid).not.toBe(first.pid)
  })

  test('ends with its worker', async () => {
    const { tasking, worker } = used()
    const { pid } = await (await tasking.dispatch(quick)).result()
    await worker.stop()
    expect(isAlive(pid)).toBe(false)
  })
})

test('a definition says for itself where it runs', async () => {
  await using scene = await Scene.open()
  const inline = { ...quick, name: 'where', isolation: 'inline' as const }
  const tasking = scene.tasking([inline, quick])
  await scene.startedWorker(tasking, {
    isolation: 'thread',
    taskingModule: new URL('fixtures/isolated-tasking.ts', import.meta.url),
    taskingData: { url: null },
  })
  expect(placeOf(await (await tasking.dispatch(inline)).result())).toBe(here)
  expect(placeOf(await (await tasking.dispatch(quick)).result())).not.toBe(here)
})
