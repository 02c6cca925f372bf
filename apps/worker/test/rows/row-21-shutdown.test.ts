import { describe, expect, test } from 'vitest'
import { deaf, double } from '../fixtures/tasks.ts'
import { openWorkerScene } from '../worker-scene.ts'

describe('row 21: a worker is shut down by signals', () => {
  test.each(['SIGTERM', 'SIGHUP'] as const)(
    '%s lets the running task finish, however long, and starts no other',
    async (signal) => {
      await using scene = await openWorkerScene()
      const { tasking } = scene
      // Of no account, since this is no SIGINT.
      const worker = await scene.start('--abort-after', '1ms')
      const held = await scene.startHolding(worker)
      worker.kill(signal)
      // What comes at once after is the same Ctrl-C, passed on by a program in between.
      worker.kill(signal)
      await worker.waitForLine(/"stopping/)
      const late = await tasking.dispatch(double, { number: 1 })
      await held.letGo()
      expect(await worker.exit).toEqual({ code: 0, signal: null })
      expect(await tasking.find(held.id)).toMatchObject({ state: 'completed', result: 'let go' })
      expect(await tasking.find(late.id)).toMatchObject({ state: 'waiting' })
      expect(await tasking.store.workers()).toEqual([])
    },
  )

  test('SIGINT lets it finish, too', async () => {
    await using scene = await openWorkerScene()
    const worker = await scene.start()
    const held = await scene.startHolding(worker)
    worker.kill('SIGINT')
    // As long as it says.
    await worker.waitForLine(/"abortAfter":"10m".*"stopping/)
    await held.letGo()
    expect(await worker.exit).toEqual({ code: 0, signal: null })
    expect(await scene.tasking.find(held.id)).toMatchObject({ state: 'completed' })
  })

  test('after SIGINT, what still runs after a while is aborted and fails', async () => {
    await using scene = await openWorkerScene()
    const worker = await scene.start('--abort-after', '50ms')
    const { id } = await scene.startHolding(worker)
    worker.kill('SIGINT')
    expect(await worker.exit).toEqual({ code: 0, signal: null })
    expect(await scene.tasking.find(id)).toMatchObject({
      state: 'failed',
      error: { code: 'worker_stopping', message: 'Aborted during worker shutdown.' },
    })
  })

  test('after SIGINT, an inline handler that ignores its abort does not keep it', async () => {
    await using scene = await openWorkerScene()
    const flags = ['--concurrency', '2', '--abort-after', '50ms', '--grace', '100ms', '--ttl', '2s']
    const worker = await scene.start(...flags)
    const held = await scene.startHolding(worker)
    const { id } = await scene.tasking.dispatch(deaf)
    await worker.waitForLine(new RegExp(`${id}.*"holding"`))
    worker.kill('SIGINT')
    expect(await worker.exit).toEqual({ code: 1, signal: null })
    expect(worker.lines.join('\n')).toMatch(/"fatal".*Handlers of \\"deaf\\" go on/)
    expect(await scene.tasking.find(held.id)).toMatchObject({ error: { code: 'worker_stopping' } })
    expect(await scene.tasking.find(id)).toMatchObject({ state: 'running' })
    // Nobody knows how far it came, and whoever comes next may only begin after its end.
    await scene.start()
    const task = await scene.tasking.task(id).finished()
    expect(task).toMatchObject({ state: 'failed', error: { code: 'worker_missing' } })
  })

  test('a second signal ends it at once', async () => {
    await using scene = await openWorkerScene()
    const worker = await scene.start()
    const { id } = await scene.startHolding(worker)
    worker.kill('SIGTERM')
    await worker.waitForLine(/"stopping/)
    worker.kill('SIGINT')
    expect(await worker.exit).toEqual({ code: 1, signal: null })
    expect(await scene.tasking.find(id)).toMatchObject({ state: 'running' })
  })
})
