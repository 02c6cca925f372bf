import { eventually } from '@tasking/testbed'
import postgres from 'postgres'
import { describe, expect, test } from 'vitest'
import { busy } from '../fixtures/busy.ts'
import { openWorkerScene } from '../worker-scene.ts'

describe('row 22: a worker beats every third of its TTL, and gives up when it can not', () => {
  test('by default it is missing after 30 s', async () => {
    await using scene = await openWorkerScene()
    await scene.start()
    expect(await scene.tasking.store.workers()).toMatchObject([{ ttlMs: 30_000, alive: true }])
  })

  test('it beats as long as it lives, and keeps its task', async () => {
    await using scene = await openWorkerScene()
    const worker = await scene.start('--ttl', '3s')
    const { id } = await scene.startHolding(worker)
    const lastBeat = async () => {
      const [record] = await scene.tasking.store.workers()
      if (!record?.alive) throw new Error('It is missing.')
      return record.lastHeartbeatAt.getTime()
    }
    const first = await lastBeat()
    const beats = [first]
    const isOver = async () => {
      const last = await lastBeat()
      if (last !== beats.at(-1)) beats.push(last)
      return last > first + 6_000
    }
    await eventually(isOver, { what: 'two TTLs of beats' })
    const pauses = beats.slice(1).map((beat, nth) => beat - (beats[nth] ?? NaN))
    // A machine that is busy makes one or the other longer, and hides one, but not half of them.
    const [usual] = pauses.toSorted((a, b) => a - b).slice(Math.floor((pauses.length - 1) / 2))
    expect(usual).toBeLessThan(1_500)
    expect(await scene.tasking.find(id)).toMatchObject({ state: 'running' })
  })

  test('one that was paused for too long finds its tasks given away, and ends', async () => {
    await using scene = await openWorkerScene()
    const paused = await scene.start('--ttl', '2s', '--name', 'paused')
    const held = await scene.startHolding(paused)
    paused.kill('SIGSTOP')
    await scene.start('--name', 'other')
    const task = await scene.tasking.task(held.id).finished({ timeout: '40s' })
    expect(task).toMatchObject({ state: 'failed', error: { code: 'worker_missing' } })
    await held.letGo()
    paused.kill('SIGCONT')
    expect(await paused.exit).toEqual({ code: 1, signal: null })
    expect(paused.lines.join('\n')).toMatch(/^error: .*\[worker_missing\]$/m)
    expect(await scene.tasking.find(held.id)).toMatchObject({ state: 'failed' })
  })

  test('one that gets no answer ends before others may take its tasks', async () => {
    await using scene = await openWorkerScene()
    // A fifth of it is left for the end of the process, and for this one to hear of that.
    const ttlMs = 8_000
    const worker = await scene.start('--ttl', `${ttlMs}ms`)
    const held = await scene.startHolding(worker)
    const sql = postgres(scene.url, { max: 1, onnotice: () => undefined })
    await sql.begin(async (tx) => {
      const [row] = await tx`
        select extract(epoch from last_heartbeat_at)::float8 * 1000 as beat from tasking.app_status
           for update`
      expect(await worker.exit).toEqual({ code: 1, signal: null })
      // A beat that had come before the lock is the last one, or one that is known by then.
      expect(Date.now() - Number(row?.['beat'])).toBeLessThan(ttlMs)
    })
    await sql.end({ timeout: 1 })
    expect(worker.lines.join('\n')).toContain('could not renew the heartbeat in time: giving up')
    expect(await held.load()).toMatchObject({ state: 'running' })
  })

  test('one whose handler blocks it for too long says which it was, and ends', async () => {
    await using scene = await openWorkerScene()
    const blocked = await scene.start('--tasks', './busy.ts', '--ttl', '4s')
    await scene.start('--ttl', '4s', '--name', 'other')
    const handle = await scene.tasking.dispatch(busy, { ms: 10_000 })
    await blocked.waitForLine(new RegExp(`${handle.id}.*"holding"`))
    const task = await handle.finished({ timeout: '40s' })
    expect(task).toMatchObject({ state: 'failed', error: { code: 'worker_missing' } })
    expect(await blocked.exit).toEqual({ code: 1, signal: null })
    const output = blocked.lines.join('\n')
    expect(output).toMatch(/"tasks":\["busy"\],"msg":"the event loop was blocked/)
    expect(output).toMatch(/^error: .*\[worker_missing\]$/m)
    expect(await handle.load()).toMatchObject({ state: 'failed', result: null })
  })
})
