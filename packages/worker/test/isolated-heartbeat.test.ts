import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTasking, defineTask } from '@tasking/core'
import { pgStore } from '@tasking/store-pg'
import { eventually, isAlive, spawnNode } from '@tasking/testbed'
import { describe, expect, test } from 'vitest'

import * as tasks from './fixtures/isolated-tasks.ts'
import { blocking, gooey } from './fixtures/isolated-tasks.ts'
import { forwardingStore } from './forwarding-store.ts'
import { isolatedWorker } from './isolated-scene.ts'
import { LogBook } from './log-book.ts'
import { Scene } from './scene.ts'

const program = new URL('fixtures/isolated-worker.ts', import.meta.url)

/** What runs next where the handler of `gooey` holds the resource. */
const nextOn = (pid: () => number) =>
  defineTask({ name: 'next', resources: { exclusive: ['a'] }, run: () => isAlive(pid()) })

describe.each(['thread', 'process'] as const)('a handler in a %s', (isolation) => {
  test('row 22: may block for longer than the TTL, and the worker beats', async () => {
    await using scene = await Scene.open()
    const folder = await mkdtemp(join(tmpdir(), 'tasking-gates-'))
    const { tasking, book, worker } = await isolatedWorker(scene, isolation, { ttl: '2s' })
    const gate = join(folder, 'gate')
    try {
      const handle = await tasking.dispatch(blocking, gate)
      await book.next('blocking')
      const since = Date.now()
      const beats = async () => {
        const [record] = await tasking.store.workers()
        return record?.id === worker.id && record.lastHeartbeatAt.getTime() > since + 3_000
      }
      await eventually(beats, { what: 'heartbeats for one and a half TTL' })
      await writeFile(gate, '')
      expect(await handle.result()).toBe('went on')
    } finally {
      // Also lets it go where the test has failed.
      await writeFile(gate, '')
      await worker.stop()
      await rm(folder, { recursive: true })
    }
  })
})

describe('a process whose handler blocks', () => {
  async function spinning(scene: Scene) {
    const tasking = scene.tasking([gooey])
    const lost = await tasking.dispatch(gooey)
    const worker = spawnNode(program, [scene.url])
    const line = await worker.waitForLine(/^spinning/)
    const { pid } = JSON.parse(line.slice('spinning '.length)) as { pid: number }
    return { tasking, lost, worker, pid }
  }

  test('ends when its worker is killed', async () => {
    await using scene = await Scene.open()
    const { worker, pid } = await spinning(scene)
    await using _worker = worker
    expect(isAlive(pid)).toBe(true)
    worker.kill('SIGKILL')
    await eventually(() => !isAlive(pid), { what: 'its end' })
  })

  test('ends before others take its resources when its worker is paused', async () => {
    await using scene = await Scene.open()
    const { tasking, lost, worker, pid } = await spinning(scene)
    await using _worker = worker
    worker.kill('SIGSTOP')
    const next = nextOn(() => pid)
    await scene.startedWorker(scene.tasking([next]))
    expect(await (await tasking.dispatch(next)).result()).toBe(false)
    expect(await lost.load()).toMatchObject({ error: { code: 'worker_missing' } })
  })

  test('ends before others take its resources when its worker is cut off', async () => {
    await using scene = await Scene.open()
    let cut = false
    const over = scene.gate()
    const orHang = <T>(verb: () => Promise<T>) =>
      cut ? over.opened.then(() => Promise.reject(new Error('too late'))) : verb()
    const store = pgStore({ url: scene.url })
    const verbs = {
      beat: (id: string) => orHang(() => store.beat(id)),
      turn: (turn: Parameters<typeof store.turn>[0]) => orHang(() => store.turn(turn)),
      housekeep: () => orHang(() => store.housekeep()),
    }
    await using cutOff = createTasking({
      store: forwardingStore(store, verbs),
      tasks: Object.values(tasks),
    })
    const book = new LogBook()
    const { worker } = scene.worker(cutOff, {
      ...{ isolation: 'process', ttl: '3s', logger: book.logger },
      taskingModule: new URL('fixtures/isolated-tasking.ts', import.meta.url),
      taskingData: { url: null },
    })
    const ended = worker.ended.catch((error: unknown) => error)
    const tasking = scene.tasking([gooey])
    const lost = await tasking.dispatch(gooey)
    await worker.start()
    const pid = Number((await book.next('spinning')).fields['pid'])
    cut = true
    const next = nextOn(() => pid)
    await scene.startedWorker(scene.tasking([next]))
    expect(await (await tasking.dispatch(next)).result()).toBe(false)
    expect(await ended).toMatchObject({ code: 'worker_missing' })
    expect(await lost.load()).toMatchObject({ error: { code: 'worker_missing' } })
    over.open()
  })
})
