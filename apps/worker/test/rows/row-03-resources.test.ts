import { describe, expect, test } from 'vitest'
import { openWorkerScene } from '../worker-scene.ts'

describe('row 3: exclusive and shared resources, several per task', () => {
  test('A goes before B, C and E; B and C go together; D goes after both', async () => {
    await using scene = await openWorkerScene()
    const a = await scene.dispatchHolding({ exclusive: ['AAAA'], shared: ['BBBB'] })
    const b = await scene.dispatchHolding({ shared: ['AAAA'] })
    const c = await scene.dispatchHolding({ shared: ['AAAA'] })
    const d = await scene.dispatchHolding({ exclusive: ['AAAA'] })
    const e = await scene.dispatchHolding({ exclusive: ['BBBB'] })
    const all = [a, b, c, d, e]
    const states = async () => (await Promise.all(all.map((one) => one.load()))).map((t) => t.state)
    // Two processes, either with room for all that is left.
    await Promise.all([scene.start('--concurrency', '4'), scene.start('--concurrency', '4')])

    await a.running()
    expect(await states()).toEqual(['running', 'waiting', 'waiting', 'waiting', 'waiting'])
    await a.letGo()
    await Promise.all([a.finished(), b.running(), c.running(), e.running()])
    expect(await states()).toEqual(['completed', 'running', 'running', 'waiting', 'running'])
    await b.letGo()
    await b.finished()
    expect(await states()).toEqual(['completed', 'completed', 'running', 'waiting', 'running'])
    await c.letGo()
    await d.running()
    await Promise.all([d.letGo(), e.letGo()])
    const tasks = await Promise.all(all.map((one) => one.finished()))
    expect(tasks.map(({ result }) => result)).toEqual(all.map(() => 'let go'))

    // The database's own record of who had to wait for whom.
    const [endOfA, , endOfC] = tasks.map(({ finishedAt }) => finishedAt?.getTime() ?? 0)
    const [, freeB, freeC, freeD, freeE] = tasks.map((task) => task.unblockedAt?.getTime() ?? 0)
    expect(Math.min(freeB ?? 0, freeC ?? 0, freeE ?? 0)).toBeGreaterThanOrEqual(endOfA ?? 0)
    expect(freeD).toBeGreaterThanOrEqual(endOfC ?? 0)
  })
})
