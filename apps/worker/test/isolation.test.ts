import { eventually, isAlive } from '@tasking/testbed'
import type { TestProcess } from '@tasking/testbed'
import { expect, test } from 'vitest'
import { child, parent, spin, transfer } from './fixtures/isolated.ts'
import { openWorkerScene } from './worker-scene.ts'

const flags = ['--tasks', './isolated.ts', '--isolation', 'process']

async function handlerOf(worker: TestProcess, word: string): Promise<number> {
  const line = await worker.waitForLine(new RegExp(`"${word}"`))
  return (JSON.parse(line) as { handler: number }).handler
}

test('row 15: handlers in processes dispatch children, and complete in transactions', async () => {
  await using scene = await openWorkerScene()
  const { tasking, url } = scene
  const worker = await scene.start(...flags)
  const handle = await tasking.dispatch(parent)
  const dispatched = tasking.task(await handle.result())
  expect(await dispatched.finished()).toMatchObject({
    ...{ name: child.name, parentId: handle.id, state: 'completed' },
  })
  const pid = Number((await dispatched.load()).result)
  expect(pid).not.toBe(worker.pid)
  const transferred = await tasking.dispatch(transfer, { url })
  expect(await transferred.finished()).toMatchObject({ state: 'completed', result: pid })
})

test('row 21: a second signal ends its handlers, too', async () => {
  await using scene = await openWorkerScene()
  const worker = await scene.start(...flags)
  await scene.tasking.dispatch(spin)
  const pid = await handlerOf(worker, 'spinning')
  worker.kill('SIGTERM')
  await worker.waitForLine(/"stopping/)
  worker.kill('SIGINT')
  expect(await worker.exit).toEqual({ code: 1, signal: null })
  await eventually(() => !isAlive(pid), { what: 'the end of the handler' })
})

test('row 21: after SIGINT, a handler that ignores its abort is killed', async () => {
  await using scene = await openWorkerScene()
  const worker = await scene.start(...flags, '--abort-after', '50ms', '--grace', '100ms')
  const handle = await scene.tasking.dispatch(spin)
  await handlerOf(worker, 'spinning')
  worker.kill('SIGINT')
  expect(await worker.exit).toEqual({ code: 0, signal: null })
  expect(await handle.load()).toMatchObject({
    state: 'failed',
    error: { code: 'worker_stopping', message: 'Aborted during worker shutdown.' },
  })
})
