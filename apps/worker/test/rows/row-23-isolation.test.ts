import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isAlive } from '@tasking/testbed'
import type { TestProcess } from '@tasking/testbed'
import { describe, expect, test } from 'vitest'
import { child, hoard, place } from '../fixtures/isolated.ts'
import { openWorkerScene } from '../worker-scene.ts'

const flags = ['--tasks', './isolated.ts', '--isolation', 'process', '--concurrency', '2']

/** Where a task's handler says that it runs. */
async function placeOf(worker: TestProcess, id: string) {
  const line = await worker.waitForLine(new RegExp(`${id}.*"holding"`))
  return JSON.parse(line) as { handler: number; directory: string }
}

describe('row 23: tasks in child processes', () => {
  test('each have a process and a working directory of their own, which is removed', async () => {
    await using scene = await openWorkerScene()
    const { tasking, folder } = scene
    const worker = await scene.start(...flags)
    const gate = join(folder, 'gate')
    const [one, other] = [
      await tasking.dispatch(place, { gate }),
      await tasking.dispatch(place, { gate }),
    ]
    const places = [await placeOf(worker, one.id), await placeOf(worker, other.id)]
    expect(new Set([worker.pid, ...places.map(({ handler }) => handler)]).size).toBe(3)
    const directories = places.map(({ directory }) => directory)
    expect(new Set([process.cwd(), ...directories]).size).toBe(3)
    expect(directories.map(existsSync)).toEqual([true, true])
    await writeFile(gate, '')
    await Promise.all([one.result(), other.result()])
    expect(directories.map(existsSync)).toEqual([false, false])
  })

  test.each([
    ['SIGKILL', 9],
    ['SIGSEGV', 11],
  ] as const)('fail with the signal when %s kills them, and nothing else', async (name, number) => {
    await using scene = await openWorkerScene()
    const { tasking, folder } = scene
    const worker = await scene.start(...flags)
    const gate = join(folder, 'gate')
    const killed = await tasking.dispatch(place, { gate })
    const spared = await tasking.dispatch(place, { gate })
    const { handler, directory } = await placeOf(worker, killed.id)
    await placeOf(worker, spared.id)
    process.kill(handler, name)
    const message = `The process that ran the handler was killed by ${name} (signal ${number}).`
    expect(await killed.finished()).toMatchObject({
      state: 'failed',
      error: { name: 'HandlerCrashedError', code: 'handler_crashed', message },
    })
    expect(existsSync(directory)).toBe(false)
    await writeFile(gate, '')
    const next = await tasking.dispatch(place, { gate })
    const { workerId } = await killed.load()
    for (const handle of [spared, next]) {
      expect(await handle.finished()).toMatchObject({ state: 'completed', workerId })
    }
    worker.kill('SIGTERM')
    expect(await worker.exit).toEqual({ code: 0, signal: null })
  })

  test('may take so much memory, and another one runs the next task', async () => {
    await using scene = await openWorkerScene()
    const limited = scene.spawn(...flags, '--heap-limit', '64')
    await limited.waitForLine(/"worker started"/)
    const hoarding = await (await scene.tasking.dispatch(hoard)).finished()
    expect(hoarding).toMatchObject({ state: 'failed', error: { code: 'handler_crashed' } })
    // Node says on its standard error how much it had by then, the last piece included.
    const collections = [...limited.lines.join('\n').matchAll(/Mark-Compact (?<had>\d+)\./g)]
    const had = Number(collections.at(-1)?.groups?.['had'])
    expect(had).toBeGreaterThan(60)
    expect(had).toBeLessThan(128)
    await (await scene.tasking.dispatch(child)).result({ timeout: '20s' })
  })

  test('leave signals to their worker', async () => {
    await using scene = await openWorkerScene()
    const worker = await scene.start(...flags)
    const gate = join(scene.folder, 'gate')
    const handle = await scene.tasking.dispatch(place, { gate })
    const { handler } = await placeOf(worker, handle.id)
    // As a service manager does that tells all processes of a service.
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.kill(handler, signal)
    worker.kill('SIGTERM')
    await worker.waitForLine(/"stopping/)
    await writeFile(gate, '')
    expect(await worker.exit).toEqual({ code: 0, signal: null })
    expect(await handle.load()).toMatchObject({ state: 'completed', result: { pid: handler } })
    expect(isAlive(handler)).toBe(false)
  })
})
