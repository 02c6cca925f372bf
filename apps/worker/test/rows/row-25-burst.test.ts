import { eventually } from '@tasking/testbed'
import { describe, expect, test } from 'vitest'
import { flaky } from '../fixtures/flaky.ts'
import { double } from '../fixtures/tasks.ts'
import { openWorkerScene } from '../worker-scene.ts'

describe('row 25: a worker in burst mode', () => {
  test('runs all that can run, one after the other too, and exits', async () => {
    await using scene = await openWorkerScene()
    const { tasking } = scene
    // All of them at one resource.
    const chain = await Promise.all([1, 1, 1].map((number) => tasking.dispatch(double, { number })))
    const elsewhere = await tasking.dispatch(double, { number: 2 }, { queue: 'other' })
    const worker = scene.spawn('--burst', '--concurrency', '2')
    expect(await worker.exit).toEqual({ code: 0, signal: null })
    for (const handle of chain) expect(await handle.load()).toMatchObject({ state: 'completed' })
    expect(await elsewhere.load()).toMatchObject({ state: 'waiting' })
    expect(await tasking.store.workers()).toEqual([])
  })

  test('leaves what waits behind the task of another worker', async () => {
    await using scene = await openWorkerScene()
    const { tasking } = scene
    const held = await scene.startHolding(await scene.start(), ['number:1'])
    const [blocked, free] = [
      await tasking.dispatch(double, { number: 1 }),
      await tasking.dispatch(double, { number: 2 }),
    ]
    expect(await scene.spawn('--burst').exit).toEqual({ code: 0, signal: null })
    expect(await free.finished()).toMatchObject({ state: 'completed' })
    expect(await blocked.load()).toMatchObject({ state: 'waiting' })
    await held.letGo()
  })

  test.each([
    ['waits for', [], { state: 'completed', attempt: 2 }],
    ['leaves, if told to,', ['--burst-wait', '0s'], { state: 'scheduled', attempt: 2 }],
  ])('%s what it has begun and is to be tried again soon', async (_, flags, expected) => {
    await using scene = await openWorkerScene()
    const handle = await scene.tasking.dispatch(flaky)
    const worker = scene.spawn('--burst', '--tasks', './flaky.ts', ...flags)
    expect(await worker.exit).toEqual({ code: 0, signal: null })
    expect(await handle.load()).toMatchObject(expected)
    const isSaid = /"tasks":1,"msg":"the burst ends before/.test(worker.lines.join('\n'))
    expect(isSaid).toBe(expected.state === 'scheduled')
  })

  test('takes up what a missing worker has left behind', async () => {
    await using scene = await openWorkerScene()
    const { tasking } = scene
    const killed = await scene.start('--ttl', '2s')
    await scene.startHolding(killed)
    killed.kill('SIGKILL')
    await killed.exit
    const [record] = await tasking.store.workers()
    const isOverdue = async () => !(await tasking.store.workers())[0]?.alive
    await eventually(isOverdue, { what: 'its TTL' })
    expect(await scene.spawn('--burst').exit).toEqual({ code: 0, signal: null })
    expect(await tasking.list({ states: ['failed'] })).toMatchObject([{ workerId: record?.id }])
  })
})
